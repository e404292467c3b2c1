// One call of a layer: where everything lies.

import Basics
import Kernels

/// Pointers and facts of one call. All arrays are (count, shape of one sample).
public struct LayerPass {
  /// What the layer planned.
  public let plan: LayerPlan
  /// Shapes of one sample of each input.
  public let inputs: [Shape]
  /// The layer's number among those of the network as it was written, from 0, whatever is fused.
  public let number: Int
  /// Where each of the layer's parameters lies in the flat buffers.
  public let ranges: [Range<Int>]
  /// The vector code.
  public let kernels: KernelTable
  /// Samples in this call, and how many of the batch came before; how many came before those of this
  /// micro-batch.
  public internal(set) var count = 0, first = 0, microBatch = 0
  /// Samples in the batch, and in the step's union batch over all ranks.
  public internal(set) var batch: Batch
  /// Which of its looks at all samples the layer is taking, from 0.
  public internal(set) var phase = 0
  /// Whether a backward pass will follow.
  public internal(set) var isTraining = false
  /// The inputs.
  public internal(set) var x: FloatsIn
  public internal(set) var second: FloatsIn?
  /// The output.
  public internal(set) var y: FloatsOut
  /// Memory kept from forward to backward: once, and for these samples.
  public internal(set) var kept: FloatsOut
  public internal(set) var keptSamples: FloatsOut
  /// Memory for the duration of the call.
  public internal(set) var scratch: FloatsOut
  /// The gradient of the output; a layer may overwrite it.
  public internal(set) var dy: FloatsOut
  /// Where the gradient of the input goes; nil where nobody needs it.
  public internal(set) var dx: FloatsOut?
  /// Add to `dx`: another layer that reads the same input has written there.
  public internal(set) var adds = false
  /// Where the gradient of the second input goes, to be added or written; nil where nobody needs it
  /// or it is `dy` itself (`passesGradientOn`).
  public internal(set) var dsecond: FloatsOut?
  public internal(set) var addsSecond = false
  /// The flat parameters.
  public internal(set) var flatParameters: FloatsIn
  /// The flat gradients.
  public internal(set) var flatGradients: FloatsOut
  /// Told of finished gradient ranges.
  public internal(set) unowned(unsafe) var observer: (any GradientObserver)?

  /// A call whose pointers are yet to be set; what stays is set here.
  init(
    _ operation: PlannedOperation, arena: FloatsOut, scratch: Int, kernels: KernelTable
  ) {
    (plan, inputs, ranges) = (operation.plan, operation.inputs, operation.ranges)
    (number, self.kernels) = (operation.number, kernels)
    let targets = UnsafeRawPointer(arena).assumingMemoryBound(to: Int32.self)
    batch = Batch(
      count: 0, globalCount: 0, offset: 0, inputs: UnsafeRawPointer(arena), targets: targets)
    (x, y, dy) = (FloatsIn(arena), arena, arena)
    (kept, keptSamples) = (arena + operation.kept, arena)
    self.scratch = arena + scratch
    adds = operation.adds && operation.sum == nil
    addsSecond = operation.addsSecond
    (flatParameters, flatGradients) = (FloatsIn(arena), arena)
  }

  /// One sample of the first input.
  public var input: Shape { inputs[0] }
  /// These are the first samples of a micro-batch, which goes forward and back together: what other
  /// layers or passes may have overwritten is prepared anew.
  public var startsMicroBatch: Bool { first == microBatch }
  /// These are the first samples of the batch, in this phase.
  public var isFirst: Bool { first == 0 }
  /// These are the last samples of the batch, in this phase.
  public var isLast: Bool { first + count == batch.count }

  /// The layer's parameter number `index`.
  public func parameter(_ index: Int) -> FloatsIn { flatParameters + ranges[index].lowerBound }

  /// The gradient of parameter number `index`: overwritten by the first samples, added to by others.
  public func gradient(_ index: Int) -> FloatsOut { flatGradients + ranges[index].lowerBound }

  /// The input as indices.
  public var indices: UnsafePointer<Int32> {
    UnsafeRawPointer(x).assumingMemoryBound(to: Int32.self)
  }

  /// The input as sparse rows.
  public var rows: UnsafePointer<SparseRow> {
    UnsafeRawPointer(x).assumingMemoryBound(to: SparseRow.self)
  }

  /// The kept memory of these samples as bytes.
  public var keptBytes: UnsafeMutablePointer<UInt8> {
    UnsafeMutableRawPointer(keptSamples).assumingMemoryBound(to: UInt8.self)
  }

  /// Says that the gradients of all the layer's trained parameters are complete, if these are the last
  /// samples. Every layer that has parameters says so, as early as it can: then they travel.
  public func finishGradients() {
    guard isLast, let observer, let range = Self.trained(plan, ranges) else { return }
    observer.finished(range)
  }

  /// The flat range of what the optimizer trains of a layer; nil: nothing.
  static func trained(_ plan: LayerPlan, _ ranges: [Range<Int>]) -> Range<Int>? {
    let count = plan.parameters.count { $0.role == .trained }
    return count == 0 ? nil : ranges[0].lowerBound..<ranges[count - 1].upperBound
  }
}

extension LayerPass {
  /// Puts a gradient where it is wanted, or adds it to what is there.
  func handOn(_ gradient: FloatsOut, _ count: Int, to place: FloatsOut, adds: Bool) {
    if adds {
      kernels.add(count, x: FloatsIn(gradient), y: place)
    } else {
      place.update(from: gradient, count: count)
    }
  }

  /// Hands `dy` to a second input that was simply added, where it is not the same memory.
  func handOnToSecond() {
    guard let dsecond else { return }
    handOn(dy, count * plan.output.count, to: dsecond, adds: addsSecond)
  }
}
