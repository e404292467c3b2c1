// Batch normalisation (Ioffe, Szegedy: Batch normalization, ICML 2015, arXiv 1502.03167): each
// channel to mean 0 and deviation 1 over the batch at hand, then scaled and shifted. With PyTorch's
// conventions: the batch is normalised with its biased variance, the running variance follows the
// unbiased one.
//
// The batch at hand is the rank's share of the step, or the lane (ghost batch normalisation: Hoffer,
// Hubara, Soudry: Train longer, generalize better, 2017): no message between layers, and with lanes
// the same bits on any number of ranks. What running statistics follow is the mean over all ranks and
// lanes, weighted by samples: it travels with the gradients.
//
// Forward looks at the samples twice, for the moments and to normalise; so does backward, for the
// sums of the gradient and for dx:
//
//   x^ = (x - mean) / sqrt(var + epsilon)      y = weight x^ + bias [+ second] [then ReLU]
//   dweight = sum dy x^    dbias = sum dy      dx = weight / sqrt(var + epsilon)
//                                                   (dy - dbias / n - x^ dweight / n)

import Basics
import Kernels

/// Normalisation over all dimensions but the last.
public struct BatchNormalization: SummingLayer {
  /// Added to the variance.
  public let epsilon: Float
  /// How fast running statistics follow the batches: their share of the newest.
  public let momentum: Float
  public var activation: Activation = .none
  var addsSecond = false

  func takes(_ activation: Activation) -> Bool { activation == .relu }

  /// A normalisation; the defaults are PyTorch's.
  public init(epsilon: Float = 1e-5, momentum: Float = 0.1) {
    precondition(epsilon > 0 && momentum > 0 && momentum <= 1, "epsilon > 0 and momentum in 0...1")
    (self.epsilon, self.momentum) = (epsilon, momentum)
  }

  public var summary: String {
    "batch normalisation" + (addsSecond ? ", sum" : "") + activation.suffix
  }

  public func plan(_ context: PlanContext) throws(ShapeError) -> LayerPlan {
    try context.numbers(summary)
    let channels = context.input.dimensions.last!
    if addsSecond && context.inputs[1].dimensions != context.inputs[0].dimensions {
      throw ShapeError(
        layer: summary, inputs: context.inputs, problem: "the two must be of the same shape")
    }
    var plan = LayerPlan(output: context.input)
    plan.parameters = [
      .perFeature("weight", context.input, 1), .perFeature("bias", context.input, 0),
      .perFeature("running_mean", context.input, 0, .average(rate: momentum)),
      .perFeature("running_var", context.input, 1, .average(rate: momentum)),
    ]
    plan.kept = Kept.count(channels)
    (plan.forwardPhases, plan.backwardPhases) = (2, 2)
    // Without a second input backward finds out again where ReLU was closed.
    plan.keepsOutput = addsSecond && activation != .none
    plan.passesGradientOn = addsSecond
    plan.canAdd = true
    plan.operations = 5 * context.input.count
    plan.kernel = "two looks"
    return plan
  }

  /// What is known about the batch: vectors of `channels` numbers, one behind the other.
  private struct Kept {
    let sums: UnsafeMutablePointer<Double>  // 2 channels
    let origin, mean, inverse, scale, offset: FloatsOut

    static func count(_ channels: Int) -> Int {
      4 * FloatBuffer.aligned(channels) + 5 * FloatBuffer.aligned(channels)
    }

    init(_ pass: LayerPass, _ channels: Int) {
      let step = FloatBuffer.aligned(channels)
      sums = UnsafeMutableRawPointer(pass.kept).assumingMemoryBound(to: Double.self)
      let first = pass.kept + 4 * step
      (origin, mean, inverse) = (first, first + step, first + 2 * step)
      (scale, offset) = (first + 3 * step, first + 4 * step)
    }
  }

  private enum Parameter {
    static let weight = 0, bias = 1, mean = 2, variance = 3
  }

  private func extents(_ pass: LayerPass) -> (rows: Int, perSample: Int, channels: Int) {
    let channels = pass.input.dimensions.last!
    let perSample = pass.input.count / channels
    return (pass.count * perSample, perSample, channels)
  }

  public func forward(_ pass: LayerPass) {
    let (rows, perSample, channels) = extents(pass)
    let kept = Kept(pass, channels)
    if pass.phase == 0 {
      guard pass.isTraining else {
        if pass.isFirst { settle(pass, kept, channels) }
        return
      }
      if pass.isFirst {
        kept.sums.update(repeating: 0, count: 2 * channels)
        kept.origin.update(from: pass.x, count: channels)
      }
      pass.kernels.channelMoments(
        rows: rows, channels: channels, x: pass.x, origin: FloatsIn(kept.origin), sums: kept.sums)
      if pass.isLast { settle(pass, kept, channels, count: pass.batch.count * perSample) }
    } else {
      pass.kernels.channelAffine(
        rows: rows, channels: channels, x: pass.x, scale: FloatsIn(kept.scale),
        offset: FloatsIn(kept.offset), second: pass.second, relu: activation == .relu, y: pass.y)
    }
  }

  /// What normalises: running statistics.
  private func settle(_ pass: LayerPass, _ kept: Kept, _ channels: Int) {
    let means = pass.parameter(Parameter.mean), variances = pass.parameter(Parameter.variance)
    for channel in 0..<channels {
      settle(pass, kept, channel, Double(means[channel]), Double(variances[channel]))
    }
  }

  /// What normalises: the moments of `count` rows. Running statistics get to know them.
  private func settle(_ pass: LayerPass, _ kept: Kept, _ channels: Int, count: Int) {
    let weight = Double(pass.batch.count) / Double(pass.batch.globalCount)
    let unbiased = Double(count) / Double(max(1, count - 1))
    for channel in 0..<channels {
      let shift = kept.sums[channel] / Double(count)
      let mean = Double(kept.origin[channel]) + shift
      let square = kept.sums[channels + channel] / Double(count)
      // A variance that is not a number must be seen; one that rounding made negative must not.
      let variance = square - shift * shift < 0 ? 0 : square - shift * shift
      pass.gradient(Parameter.mean)[channel] = Float(mean * weight)
      pass.gradient(Parameter.variance)[channel] = Float(variance * unbiased * weight)
      settle(pass, kept, channel, mean, variance)
    }
  }

  private func settle(
    _ pass: LayerPass, _ kept: Kept, _ channel: Int, _ mean: Double, _ variance: Double
  ) {
    let inverse = 1 / (variance + Double(epsilon)).squareRoot()
    let scale = Double(pass.parameter(Parameter.weight)[channel]) * inverse
    kept.mean[channel] = Float(mean)
    kept.inverse[channel] = Float(inverse)
    kept.scale[channel] = Float(scale)
    kept.offset[channel] = Float(
      Double(pass.parameter(Parameter.bias)[channel]) - mean * scale)
  }

  public func backward(_ pass: LayerPass) {
    let (rows, perSample, channels) = extents(pass)
    let kept = Kept(pass, channels)
    if pass.phase == 0 {
      if pass.isFirst { kept.sums.update(repeating: 0, count: 2 * channels) }
      pass.kernels.channelGradientSums(
        rows: rows, channels: channels, x: pass.x, scale: FloatsIn(kept.scale),
        offset: FloatsIn(kept.offset), y: addsSecond ? FloatsIn(pass.y) : nil,
        relu: activation == .relu, origin: FloatsIn(kept.mean), dy: pass.dy, sums: kept.sums)
      if pass.isLast { finish(pass, kept, channels, count: pass.batch.count * perSample) }
      pass.finishGradients()
    } else {
      // The second input's gradient is dy as it is now.
      pass.handOnToSecond()
      guard let dx = pass.dx else { return }
      pass.kernels.channelCombine(
        rows: rows, channels: channels, dy: FloatsIn(pass.dy), x: pass.x, a: FloatsIn(kept.scale),
        b: FloatsIn(kept.inverse), offset: FloatsIn(kept.offset), add: pass.adds, dx: dx)
    }
  }

  /// Gradients of weight and bias, and the coefficients of dx = scale dy + b x + c.
  private func finish(_ pass: LayerPass, _ kept: Kept, _ channels: Int, count: Int) {
    for channel in 0..<channels {
      let inverse = Double(kept.inverse[channel]), scale = Double(kept.scale[channel])
      let bias = kept.sums[channel], weight = kept.sums[channels + channel] * inverse
      pass.gradient(Parameter.bias)[channel] = Float(bias)
      pass.gradient(Parameter.weight)[channel] = Float(weight)
      let slope = -scale * inverse * weight / Double(count)
      kept.inverse[channel] = Float(slope)
      kept.offset[channel] = Float(
        -scale * bias / Double(count) - slope * Double(kept.mean[channel]))
    }
  }
}
