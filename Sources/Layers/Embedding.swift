// Embeddings: a vector for every symbol, and one for every place of a sequence.

import Basics
import Kernels

/// (indices) -> (indices, width): row `index` of a table. The gradient is zero but for the rows that a
/// batch names.
public struct Embedding: Layer {
  /// Rows of the table; nil: as many as there are different indices.
  public let symbols: Int?
  /// Numbers per row.
  public let width: Int
  /// Deviation of the initial values; 1 is PyTorch's.
  public let deviation: Float

  /// A table.
  public init(_ symbols: Int? = nil, width: Int, deviation: Float = 1) {
    precondition((symbols ?? 1) > 0 && width > 0, "a table has rows, and rows have numbers")
    (self.symbols, self.width, self.deviation) = (symbols, width, deviation)
  }

  public var summary: String {
    "embedding" + (symbols.map { " of \($0) symbols" } ?? "") + ", width \(width)"
  }

  /// Rows of the table for such an input.
  func rows(_ input: Shape) -> Int { symbols ?? input.indexCounts.max() ?? 0 }

  /// The table to ask for.
  func table(_ input: Shape) throws(ShapeError) -> ParameterRequest {
    guard input.element == .index else {
      throw ShapeError(layer: summary, input: input, problem: "it needs indices")
    }
    let rows = rows(input)
    guard rows > 0 else {
      throw ShapeError(
        layer: summary, input: input, problem: "nobody says how many different indices there are")
    }
    guard rows >= input.indexCounts.max() ?? 0 else {
      throw ShapeError(
        layer: summary, input: input,
        problem: "there are \(input.indexCounts.max()!) different indices")
    }
    return ParameterRequest(
      "weight", shape: [rows, width], initialisation: .normal(deviation: deviation))
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    let table = try table(context.input)
    var plan = LayerPlan(output: Shape(context.input.dimensions + [width]))
    plan.parameters = [table]
    plan.keepsOutput = false
    plan.kernel = "rows by index"
    return plan
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.gatherRows(
      pass.count * pass.input.count, width: width, symbols: rows(pass.input),
      indices: pass.indices, table: pass.parameter(0), y: pass.y)
  }

  public func backward(_ pass: LayerPass) {
    let rows = rows(pass.input)
    if pass.isFirst { pass.gradient(0).update(repeating: 0, count: rows * width) }
    pass.kernels.scatterAddRows(
      pass.count * pass.input.count, width: width, symbols: rows, indices: pass.indices,
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
