// Recurrent layers, fused over time: LSTM (Hochreiter, Schmidhuber 1997) and GRU (Cho et al. 2014) with
// PyTorch's gates, biases and names. Where the layer before is an embedding, the plan folds it in: a
// token's part of the gates is then a row of a table that is computed once per step, (embedding W +
// bias), exactly what the two layers would have computed.
// Cost: 2 * length * gates * hidden * (in + hidden) FLOPs per sample forward, twice that backward;
// with the embedding folded in, the part of `in` is gone.

import Basics
import Kernels

/// (length, in) -> (length, hidden): the states at all tokens, starting from zeros.
public struct Recurrent: Layer {
  /// What is computed at each token.
  public let cell: RecurrentCell
  /// Features of the state.
  public let hidden: Int
  /// The embedding that is folded in, and what its and the layer's parameters are called.
  var folded: (embedding: Embedding, name: String, ownName: String)?

  /// A layer of LSTM or GRU cells.
  public init(_ cell: RecurrentCell, _ hidden: Int) {
    precondition(hidden > 0, "a state has at least one feature")
    (self.cell, self.hidden) = (cell, hidden)
  }

  public var summary: String {
    (folded.map { "\($0.embedding.summary), " } ?? "") + "\(cell) \(hidden)"
  }

  private func shape(_ count: Int, _ input: Shape) -> RecurrentShape {
    RecurrentShape(
      cell: cell, samples: count, length: input.dimensions[0],
      inputs: folded?.embedding.width ?? input.dimensions[1], hidden: hidden,
      symbols: folded?.embedding.rows(input) ?? 0)
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    let input = context.input
    let isFitting =
      folded == nil
      ? input.element == .float && input.dimensions.count == 2
      : input.element == .index && input.dimensions.count == 1
    guard isFitting else {
      throw ShapeError(
        layer: summary, input: input, problem: "it needs sequences of vectors (length x features)")
    }
    let shape = shape(context.batch, input)
    var plan = LayerPlan(output: Shape([shape.length, hidden]))
    plan.parameters = try parameters(shape, input)
    // Gates and cells lie as the kernels like it, all samples together.
    plan.kept = context.kernels.recurrentKept(shape)
    plan.scratch = context.kernels.recurrentScratch(shape)
    plan.fewestSamples = .max
    let inner = hidden + (folded == nil ? shape.inputs : 0)
    plan.operations = 2 * shape.length * shape.gateCount * inner
    plan.kernel = folded == nil ? "fused over time" : "fused over time, embedding folded in"
    return plan
  }

  private func parameters(_ shape: RecurrentShape, _ input: Shape) throws(ShapeError)
    -> [ParameterRequest]
  {
    // PyTorch's nn.LSTM: all uniform in ±1/sqrt(hidden).
    let start = Initialisation.uniform(bound: 1 / Float(hidden).squareRoot())
    func full(_ name: String) -> String { joinedName(folded?.ownName ?? "", name) }
    func weight(_ name: String, _ rows: Int) -> ParameterRequest {
      ParameterRequest(
        full(name), shape: [rows, shape.gateCount], axes: [1, 0], initialisation: start)
    }
    func bias(_ name: String) -> ParameterRequest {
      ParameterRequest(full(name), shape: [shape.gateCount], initialisation: start)
    }
    let own = [
      weight("weight_ih_l0", shape.inputs), weight("weight_hh_l0", hidden), bias("bias_ih_l0"),
      bias("bias_hh_l0"),
    ]
    guard let folded else { return own }
    return own + [try folded.embedding.table(input).named(joinedName(folded.name, "weight"))]
  }

  private func input(_ pass: LayerPass) -> RecurrentInput {
    folded == nil ? .dense(pass.x) : .tokens(pass.indices, embedding: pass.parameter(4))
  }

  private func weights(_ pass: LayerPass) -> RecurrentWeights {
    RecurrentWeights(
      input: pass.parameter(0), hidden: pass.parameter(1), inputBias: pass.parameter(2),
      hiddenBias: pass.parameter(3))
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.recurrentForward(
      shape(pass.count, pass.input), input(pass), weights(pass), h: pass.y, kept: pass.kept,
      scratch: pass.scratch)
  }

  public func backward(_ pass: LayerPass) {
    pass.kernels.recurrentBackward(
      shape(pass.count, pass.input), input(pass), weights(pass), h: FloatsIn(pass.y),
      dh: FloatsIn(pass.dy), kept: FloatsIn(pass.kept),
      gradients: RecurrentGradients(
        input: pass.gradient(0), hidden: pass.gradient(1), inputBias: pass.gradient(2),
        hiddenBias: pass.gradient(3), x: folded == nil ? pass.dx : pass.gradient(4)),
      scratch: pass.scratch)
    pass.finishGradients()
  }
}

/// An embedding in front of a recurrent layer.
enum FoldedEmbeddingRule: FusionRule {
  static func fuse(_ first: Graph.Operation, _ second: Graph.Operation, in graph: Graph)
    -> FusedLayer?
  {
    guard let embedding = first.layer as? Embedding, var recurrent = second.layer as? Recurrent,
      recurrent.folded == nil, graph.shape(of: first.inputs[0]).dimensions.count == 1
    else { return nil }
    recurrent.folded = (embedding, first.prefix, second.prefix)
    return FusedLayer(recurrent, .second, namesInFull: true)
  }
}
