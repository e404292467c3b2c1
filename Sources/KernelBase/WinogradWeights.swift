// U = G g G^T, the transformed weights of a Winograd pass. Backward data reads them with input and
// output channels swapped and the kernel turned by 180 degrees.

import KernelABI

/// Where a pass's weights come from.
struct WinogradWeights {
  let inputs: Int
  let outputs: Int
  let direction: ConvolutionDirection
  /// (3, 3, in, out); nil where only sizes are asked for.
  let w: FloatsIn?

  init(_ shape: ConvolutionShape, _ direction: ConvolutionDirection, _ w: FloatsIn?) {
    (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
    (self.direction, self.w) = (direction, w)
  }

  /// Channels that the pass reads, and writes.
  @inline(__always) var sources: Int { direction == .forward ? inputs : outputs }
  @inline(__always) var targets: Int { direction == .forward ? outputs : inputs }

  /// Floats from one xi to the next within a block of `lanes` target channels, for `count` source
  /// channels.
  @inline(__always)
  func productStep(_ count: Int, _ lanes: Int) -> Int { count &* lanes &+ 16 }

  /// Floats of a block.
  @inline(__always)
  func blockStep(_ products: Int, _ count: Int) -> Int { products &* productStep(count, wide) }

  /// Source channels that are transposed at a time.
  private static var run: Int { 32 }

  /// Floats of scratch that `transform` needs, beside the transform's own room behind it.
  static var scratch: Int { 9 * run * wide + packingSlack }

  /// U of the block of target channels at `channel` and source channels k..<k + count.
  func transform<T: WinogradTransform>(
    _ transform: T.Type, _ channel: Int, _ k: Int, _ count: Int, _ u: FloatsOut,
    _ scratch: FloatsOut
  ) {
    guard let w else { return }
    let lanes = blockLanes(channel, targets)
    let step = productStep(count, lanes)
    let room = scratch + Self.scratch
    switch direction {
    case .forward:
      T.transformWeights(
        count, lanes, w + (k * outputs + channel), inputs * outputs, outputs, u, step, room: room)
    case .backwardData:
      var done = 0
      while done < count {
        let some = min(Self.run, count - done)
        let tapStep = some * lanes
        for tap in 0..<9 {
          packTransposed(
            lanes, some, w + ((tap * inputs + channel) * outputs + k + done), outputs,
            scratch + (8 - tap) * tapStep, lanes)
        }
        T.transformWeights(
          some, lanes, FloatsIn(scratch), tapStep, lanes, u + done * lanes, step, room: room)
        done += some
      }
    }
  }
}
