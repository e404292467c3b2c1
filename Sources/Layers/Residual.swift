// A residual connection (He et al.: Deep residual learning for image recognition, CVPR 2016): what
// the parts in the main path make of the input is added to the input, or to what a shortcut makes
// of it.

import Basics
import Kernels

/// y = activation(main(x) + shortcut(x)).
public struct Residual: NetworkPart {
  private let main: Sequential
  private let shortcut: (any NetworkPart)?
  private let activation: (any Layer)?

  /// A block. Parameters of the main path are named as in a sequence of its own; those of the shortcut
  /// follow the name that it was given (`named`), else `shortcut`.
  ///
  /// - Parameters:
  ///   - shortcut: nil: the input itself.
  ///   - activation: applied to the sum.
  public init(
    activation: (any Layer)? = nil, shortcut: (any NetworkPart)? = nil,
    @NetworkBuilder _ main: () -> [any NetworkPart]
  ) {
    (self.main, self.shortcut, self.activation) = (Sequential(main()), shortcut, activation)
  }

  public func build(_ graph: inout Graph, input: Graph.Value, name: String) throws(ShapeError)
    -> Graph.Value
  {
    // The shortcut comes first, so that the main path's last layer can add it to its own result.
    var beside = input
    if let shortcut {
      let own = (shortcut as? Named)?.name ?? "shortcut"
      beside = try shortcut.build(&graph, input: input, name: joinedName(name, own))
    }
    let sum = try graph.append(
      Add(), to: [try main.build(&graph, input: input, name: name), beside], name: name)
    guard let activation else { return sum }
    return try graph.append(activation, to: [sum], name: name)
  }
}

/// y = x + second.
struct Add: Layer {
  var summary: String { "sum of two paths" }

  func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    try context.numbers(summary)
    guard
      context.inputs[0].dimensions == context.inputs[1].dimensions,
      context.inputs[0].element == context.inputs[1].element
    else {
      throw ShapeError(
        layer: summary, inputs: context.inputs,
        problem: "main path and shortcut must end in the same shape")
    }
    let same = context.inputs[0].folded == context.inputs[1].folded
    var plan = LayerPlan(
      output: Shape(context.input.dimensions, folded: same ? context.input.folded : nil))
    (plan.keepsInput, plan.keepsOutput) = (false, false)
    plan.passesGradientOn = true
    plan.canAdd = true
    plan.operations = context.input.count
    return plan
  }

  func forward(_ pass: LayerPass) {
    guard let second = pass.second else { return }
    let count = pass.count * pass.input.count
    pass.y.update(from: pass.x, count: count)
    pass.kernels.add(count, x: second, y: pass.y)
  }

  func backward(_ pass: LayerPass) {
    pass.handOnToSecond()
    guard let dx = pass.dx else { return }
    pass.handOn(pass.dy, pass.count * pass.input.count, to: dx, adds: pass.adds)
  }
}
