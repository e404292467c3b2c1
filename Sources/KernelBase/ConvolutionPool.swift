import CSIMD
import KernelABI

extension VectorKernels {
  /// Few.
  public static func convolutionPoolSupports(_ shape: ConvolutionShape) -> Bool { false }
  /// x
  public static func convolutionPoolForward(
    _ shape: ConvolutionShape, x: FloatsIn, w: FloatsIn, bias: FloatsIn, y: FloatsOut,
    choice: UnsafeMutablePointer<UInt8>, scratch: FloatsOut
  ) { preconditionFailure("unsupported shape") }
  /// x
  public static func convolutionPoolBackwardWeights(
    _ shape: ConvolutionShape, x: FloatsIn, dy: FloatsIn, choice: UnsafePointer<UInt8>,
    dw: FloatsOut, dbias: FloatsOut, scratch: FloatsOut
  ) { preconditionFailure("unsupported shape") }
}
