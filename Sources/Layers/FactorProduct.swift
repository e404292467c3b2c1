// Matrix factorisation with biases (Koren, Bell, Volinsky: Matrix factorization techniques for
// recommender systems, IEEE Computer 2009): of a table of users and items, of which few entries are
// known, entry (u, i) is foreseen as
//
//   y = users[u] . items[i] + user_bias[u] + item_bias[i] + bias
//
// A sample is the pair (u, i). Only the rows that a batch names are read, and only their gradients are
// anything but zero. Cost: 2 * width FLOPs per sample forward, twice that backward.

import Basics
import Kernels

/// (user, item) -> one number.
public struct FactorProduct: Layer {
  /// Rows of either table, and numbers per row.
  public let users, items, width: Int

  /// Tables of so many rows.
  public init(users: Int, items: Int, width: Int) {
    precondition(users > 0 && items > 0 && width > 0, "a table has rows, and rows have numbers")
    (self.users, self.items, self.width) = (users, items, width)
  }

  public var summary: String { "product of \(width) factors, \(users) x \(items)" }

  private enum Parameter {
    static let users = 0, items = 1, userBias = 2, itemBias = 3, bias = 4
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    guard context.input.element == .index, context.input.dimensions == [2] else {
      throw ShapeError(
        layer: summary, input: context.input, problem: "it needs pairs of indices (user, item)")
    }
    // Products of two such vectors have deviation 0.1, whatever their width.
    let deviation = (0.1 / Float(width).squareRoot()).squareRoot()
    func table(_ name: String, _ rows: Int, _ columns: Int, _ start: Initialisation)
      -> ParameterRequest
    {
      ParameterRequest(name + ".weight", shape: [rows, columns], initialisation: start)
    }
    var plan = LayerPlan(output: Shape([1]))
    plan.parameters = [
      table("users", users, width, .normal(deviation: deviation)),
      table("items", items, width, .normal(deviation: deviation)),
      table("user_bias", users, 1, .constant(0)), table("item_bias", items, 1, .constant(0)),
      ParameterRequest("bias", shape: [1], initialisation: .constant(0)),
    ]
    plan.keepsOutput = false
    plan.operations = 2 * width
    plan.kernel = "rows by index"
    return plan
  }

  /// The rows that sample number `sample` names.
  private func rows(_ pass: LayerPass, _ sample: Int) -> (user: Int, item: Int) {
    let user = Int(pass.indices[2 * sample]), item = Int(pass.indices[2 * sample + 1])
    precondition(
      user >= 0 && user < users && item >= 0 && item < items, "an index beyond the table's rows")
    return (user, item)
  }

  public func forward(_ pass: LayerPass) {
    for sample in 0..<pass.count {
      let (user, item) = rows(pass, sample)
      let product = pass.kernels.dot(
        width, x: pass.parameter(Parameter.users) + user * width,
        y: pass.parameter(Parameter.items) + item * width)
      pass.y[sample] =
        Float(product) + pass.parameter(Parameter.userBias)[user]
        + pass.parameter(Parameter.itemBias)[item] + pass.parameter(Parameter.bias)[0]
    }
  }

  public func backward(_ pass: LayerPass) {
    if pass.isFirst {
      for (index, range) in pass.ranges.enumerated() {
        pass.gradient(index).update(repeating: 0, count: range.count)
      }
    }
    for sample in 0..<pass.count {
      let (user, item) = rows(pass, sample)
      let gradient = pass.dy[sample]
      pass.kernels.addScaled(
        width, factor: gradient, x: pass.parameter(Parameter.items) + item * width,
        y: pass.gradient(Parameter.users) + user * width)
      pass.kernels.addScaled(
        width, factor: gradient, x: pass.parameter(Parameter.users) + user * width,
        y: pass.gradient(Parameter.items) + item * width)
      pass.gradient(Parameter.userBias)[user] += gradient
      pass.gradient(Parameter.itemBias)[item] += gradient
      pass.gradient(Parameter.bias)[0] += gradient
    }
    pass.finishGradients()
  }
}
