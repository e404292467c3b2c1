// The words in which kernels are asked for work: pointers, shapes and rules.

/// Pointer to floats that a kernel reads.
public typealias FloatsIn = UnsafePointer<Float>
/// Pointer to floats that a kernel writes.
public typealias FloatsOut = UnsafeMutablePointer<Float>

/// Matrix product C (m x n) = [C +] op(A) op(B) [+ bias] [then ReLU], all row-major.
public struct MatrixProductShape: Sendable {
  /// Rows of C, columns of C, and the inner extent.
  public var m, n, k: Int
  /// Floats from one row to the next of A, B and C as they lie in memory.
  public var lda, ldb, ldc: Int
  /// A lies as (k x m); B lies as (n x k).
  public var transposeA, transposeB: Bool
  /// Add to C instead of overwriting it.
  public var accumulate: Bool
  /// Replace negative results by 0, after all additions; NaN stays NaN.
  public var relu: Bool

  /// Tightly packed matrices.
  public init(
    m: Int, n: Int, k: Int, transposeA: Bool = false, transposeB: Bool = false,
    accumulate: Bool = false, relu: Bool = false
  ) {
    (self.m, self.n, self.k) = (m, n, k)
    (lda, ldb, ldc) = (transposeA ? m : k, transposeB ? k : n, n)
    (self.transposeA, self.transposeB) = (transposeA, transposeB)
    (self.accumulate, self.relu) = (accumulate, relu)
  }
}

/// Places of a window in so many rows or columns.
@inlinable
func windows(of window: Int, in extent: Int, step: Int) -> Int {
  extent < window ? 0 : (extent - window) / step + 1
}

/// 2-D convolution of NHWC images. Weights lie as (kernelHeight, kernelWidth, in, out).
public struct ConvolutionShape: Sendable {
  /// Images, and their height, width, channels.
  public var batch, height, width, inputChannels: Int
  /// Channels of the result.
  public var outputChannels: Int
  /// Extents of the kernel, step between its places, zero rows/columns added on each side.
  public var kernelHeight, kernelWidth, stride, padding: Int
  /// How it is computed; results of methods differ in rounding.
  public var method = ConvolutionMethod.direct

  /// A square kernel.
  public init(
    batch: Int, height: Int, width: Int, inputChannels: Int, outputChannels: Int, kernel: Int,
    stride: Int = 1, padding: Int = 0
  ) {
    (self.batch, self.height, self.width) = (batch, height, width)
    (self.inputChannels, self.outputChannels) = (inputChannels, outputChannels)
    (kernelHeight, kernelWidth) = (kernel, kernel)
    (self.stride, self.padding) = (stride, padding)
  }

  /// Rows of the result; none where the kernel is higher than the image with its padding.
  @inlinable public var outputHeight: Int {
    windows(of: kernelHeight, in: height + 2 * padding, step: stride)
  }
  /// Columns of the result.
  @inlinable public var outputWidth: Int {
    windows(of: kernelWidth, in: width + 2 * padding, step: stride)
  }
  /// Floats of one input image.
  @inlinable public var inputCount: Int { height * width * inputChannels }
  /// Floats of one output image.
  @inlinable public var outputCount: Int { outputHeight * outputWidth * outputChannels }
  /// Floats of the weights.
  @inlinable public var weightCount: Int {
    kernelHeight * kernelWidth * inputChannels * outputChannels
  }
}

/// Max or average pooling of NHWC images, windows inside the image only (PyTorch's floor mode, no padding).
public struct PoolingShape: Sendable {
  /// Images, and their height, width, channels.
  public var batch, height, width, channels: Int
  /// Extent of the square window (at most 15) and the step between windows.
  public var window, stride: Int

  /// Windows of `window` x `window`.
  public init(batch: Int, height: Int, width: Int, channels: Int, window: Int, stride: Int) {
    (self.batch, self.height, self.width, self.channels) = (batch, height, width, channels)
    (self.window, self.stride) = (window, stride)
  }

  /// Rows of the result.
  @inlinable public var outputHeight: Int { windows(of: window, in: height, step: stride) }
  /// Columns of the result.
  @inlinable public var outputWidth: Int { windows(of: window, in: width, step: stride) }
}

/// w <- w - rate * step, PyTorch's SGD. `velocity` is nil without momentum.
public struct SGDRule: Sendable {
  /// Learning rate; momentum; weight decay (added to the gradient); factor on the gradient.
  public var rate, momentum, decay, gradientScale: Float
  /// Nesterov's form: the gradient plus momentum times velocity.
  public var nesterov: Bool
  /// The very first step sets the velocity to the gradient (PyTorch's rule).
  public var first: Bool

  /// A rule.
  public init(
    rate: Float, momentum: Float, decay: Float, gradientScale: Float, nesterov: Bool, first: Bool
  ) {
    (self.rate, self.momentum, self.decay) = (rate, momentum, decay)
    (self.gradientScale, self.nesterov, self.first) = (gradientScale, nesterov, first)
  }
}

/// PyTorch's Adam and AdamW; epsilon outside of the root, after the bias correction.
public struct AdamRule: Sendable {
  /// Learning rate, decay rates of the moments, epsilon, weight decay, factor on the gradient.
  public var rate, beta1, beta2, epsilon, decay, gradientScale: Float
  /// 1 - beta1^t and sqrt(1 - beta2^t).
  public var correction1, rootCorrection2: Float
  /// AdamW: w <- w (1 - rate * decay) instead of adding decay * w to the gradient.
  public var decoupled: Bool
  /// 1 - beta1 and 1 - beta2. Rounding beta2 = 0.999 to a float moves 1 - beta2 by 1e-5 of itself;
  /// a caller who has the rate in double precision (as PyTorch does) passes the better difference.
  public var complement1, complement2: Float

  /// A rule; complements not given are computed from the rounded rates.
  public init(
    rate: Float, beta1: Float, beta2: Float, epsilon: Float, decay: Float, gradientScale: Float,
    correction1: Float, rootCorrection2: Float, decoupled: Bool, complement1: Float? = nil,
    complement2: Float? = nil
  ) {
    self.complement1 = complement1 ?? (1 - beta1)
    self.complement2 = complement2 ?? (1 - beta2)
    (self.rate, self.beta1, self.beta2, self.epsilon) = (rate, beta1, beta2, epsilon)
    (self.decay, self.gradientScale) = (decay, gradientScale)
    (self.correction1, self.rootCorrection2) = (correction1, rootCorrection2)
    self.decoupled = decoupled
  }
}
