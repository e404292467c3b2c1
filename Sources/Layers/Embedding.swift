// Embeddings: a vector for every symbol, and one for every place of a sequence.

import Basics
import Kernels

/// (indices) -> (indices, width): row `index` of a table. The gradient is zero but for the rows that a
/// batch names.
public struct Embedding: Layer {
  /// Rows of the table, and numbers per row.
  public let symbols, width: Int
  /// Deviation of the initial values; 1 is PyTorch's.
  public let deviation: Float

  /// A table.
  public init(_ symbols: Int, width: Int, deviation: Float = 1) {
    precondition(symbols > 0 && width > 0, "a table has rows, and rows have numbers")
    (self.symbols, self.width, self.deviation) = (symbols, width, deviation)
  }

  public var summary: String { "embedding of \(symbols) symbols, width \(width)" }

  /// The table to ask for.
  var table: ParameterRequest {
    ParameterRequest(
      "weight", shape: [symbols, width], initialisation: .normal(deviation: deviation))
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    guard context.input.element == .index else {
      throw ShapeError(layer: summary, input: context.input, problem: "it needs indices")
    }
    var plan = LayerPlan(output: Shape(context.input.dimensions + [width]))
    plan.parameters = [table]
    plan.keepsOutput = false
    plan.kernel = "rows by index"
    return plan
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.gatherRows(
      pass.count * pass.input.count, width: width, symbols: symbols, indices: pass.indices,
      table: pass.parameter(0), y: pass.y)
  }

  public func backward(_ pass: LayerPass) {
    if pass.isFirst { pass.gradient(0).update(repeating: 0, count: symbols * width) }
    pass.kernels.scatterAddRows(
      pass.count * pass.input.count, width: width, symbols: symbols, indices: pass.indices,
      dy: FloatsIn(pass.dy), dtable: pass.gradient(0))
    pass.finishGradients()
  }
}

/// (length, width) -> the same, with a vector of its own added at every place (learnt positions, as in
/// Gehring et al. 2017 and GPT).
public struct PositionEmbedding: Layer {
  /// Deviation of the initial values.
  public let deviation: Float

  /// A vector for every place.
  public init(deviation: Float = 1) { self.deviation = deviation }

  public var summary: String { "positions" }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    guard context.input.element == .float, context.input.dimensions.count == 2 else {
      throw ShapeError(
        layer: summary, input: context.input, problem: "it needs sequences (length x width)")
    }
    var plan = LayerPlan(output: context.input)
    plan.parameters = [
      ParameterRequest(
        "weight", shape: context.input.dimensions, initialisation: .normal(deviation: deviation))
    ]
    (plan.keepsInput, plan.keepsOutput) = (false, false)
    plan.canAdd = true
    plan.operations = context.input.count
    return plan
  }

  public func forward(_ pass: LayerPass) {
    let size = pass.input.count
    pass.y.update(from: pass.x, count: pass.count * size)
    for sample in 0..<pass.count {
      pass.kernels.add(size, x: pass.parameter(0), y: pass.y + sample * size)
    }
  }

  public func backward(_ pass: LayerPass) {
    let size = pass.input.count
    // A row per sample.
    pass.kernels.sumRows(
      rows: pass.count, columns: size, x: FloatsIn(pass.dy), add: !pass.isFirst,
      y: pass.gradient(0))
    pass.finishGradients()
    guard let dx = pass.dx else { return }
    pass.handOn(pass.dy, pass.count * size, to: dx, adds: pass.adds)
  }
}
