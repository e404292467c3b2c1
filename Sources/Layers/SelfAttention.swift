// Multi-head self-attention (Vaswani et al.: Attention is all you need, NeurIPS 2017), blockwise, so
// that the matrix of all pairs of tokens never exists (Dao et al.: FlashAttention, NeurIPS 2022). The
// projections before and behind it are dense layers.
// Cost: 4 * length^2 * width FLOPs per sample forward (half of it if causal), two and a half times
// that backward.

import Basics
import Kernels

/// (length, 3 width) -> (length, width): queries, keys and values lie side by side.
public struct SelfAttention: Layer {
  /// Heads, which divide the width.
  public let heads: Int
  /// Tokens see themselves and what comes before them only.
  public let causal: Bool

  /// Attention of so many heads.
  public init(heads: Int, causal: Bool = true) {
    precondition(heads > 0, "attention has at least one head")
    (self.heads, self.causal) = (heads, causal)
  }

  public var summary: String {
    (causal ? "causal" : "full") + " attention, \(heads) head" + (heads == 1 ? "" : "s")
  }

  private func shape(_ count: Int, _ input: Shape) -> AttentionShape {
    AttentionShape(
      samples: count, length: input.dimensions[0], heads: heads,
      headWidth: input.dimensions[1] / 3 / heads, causal: causal)
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    let input = context.input
    guard input.element == .float, input.dimensions.count == 2,
      input.dimensions[1] % (3 * heads) == 0
    else {
      throw ShapeError(
        layer: summary, input: input,
        problem: "it needs sequences of queries, keys and values (length x 3 width), and a width"
          + " that \(heads) heads divide")
    }
    let (length, width) = (input.dimensions[0], input.dimensions[1] / 3)
    var plan = LayerPlan(output: Shape([length, width]))
    plan.keptPerSample = heads * length
    plan.scratch = context.kernels.attentionScratch(shape(context.batch, input))
    plan.operations = 4 * length * length * width / (causal ? 2 : 1)
    plan.kernel = "blockwise"
    return plan
  }

  public func forward(_ pass: LayerPass) {
    pass.kernels.attentionForward(
      shape(pass.count, pass.input), qkv: pass.x, y: pass.y, logSums: pass.keptSamples,
      scratch: pass.scratch)
  }

  public func backward(_ pass: LayerPass) {
    guard let dx = pass.dx else { return }
    pass.kernels.attentionBackward(
      shape(pass.count, pass.input), qkv: pass.x, y: FloatsIn(pass.y),
      logSums: FloatsIn(pass.keptSamples), dy: FloatsIn(pass.dy), dqkv: dx, scratch: pass.scratch)
  }
}
