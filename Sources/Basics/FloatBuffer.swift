// Flat memory: one aligned block of floats that a replica's parameters, gradients, optimizer state
// or activations lie in. Everything else in Apus refers to parts of such a block by `Range<Int>`.

/// An aligned, zero-filled block of `count` 32-bit floats at a fixed address.
///
/// The block starts on a 64-byte boundary (a cache line, an AVX-512 register) and is padded at its
/// end to whole cache lines, so that a kernel never shares a line with a neighbour. It is allocated
/// once and never moves or grows: after warm-up a training step allocates nothing.
public final class FloatBuffer {
  /// Floats per 64-byte cache line; ranges that start on a multiple of it are aligned.
  public static let alignment = 16

  /// The first float.
  public let pointer: UnsafeMutablePointer<Float>
  /// Number of usable floats.
  public let count: Int
  private let owner: AnyObject?

  /// Allocates `count` floats, all zero.
  public init(count: Int) {
    precondition(count >= 0, "a buffer cannot hold a negative number of floats")
    let padded = Self.aligned(max(count, 1))
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: padded * MemoryLayout<Float>.stride, alignment: 64)
    pointer = raw.bindMemory(to: Float.self, capacity: padded)
    pointer.initialize(repeating: 0, count: padded)
    self.count = count
    owner = nil
  }

  /// Presents memory that somebody else owns (a shared window, a mapped file) as a buffer.
  ///
  /// - Parameter owner: kept alive as long as this buffer; it frees the memory, not the buffer.
  public init(_ pointer: UnsafeMutablePointer<Float>, count: Int, owner: AnyObject) {
    self.pointer = pointer
    self.count = count
    self.owner = owner
  }

  deinit {
    if owner == nil { UnsafeMutableRawPointer(pointer).deallocate() }
  }

  /// `count` rounded up to whole cache lines.
  public static func aligned(_ count: Int) -> Int {
    (count + alignment - 1) / alignment * alignment
  }

  /// The whole block.
  public var values: UnsafeMutableBufferPointer<Float> { .init(start: pointer, count: count) }

  /// The floats of `range`.
  public subscript(range: Range<Int>) -> UnsafeMutableBufferPointer<Float> {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside of the buffer")
    return .init(start: pointer + range.lowerBound, count: range.count)
  }

  /// One float.
  public subscript(index: Int) -> Float {
    get {
      precondition(index >= 0 && index < count, "index outside of the buffer")
      return pointer[index]
    }
    set {
      precondition(index >= 0 && index < count, "index outside of the buffer")
      pointer[index] = newValue
    }
  }

  /// Copies all of `other`, which must be of the same length.
  public func copy(from other: FloatBuffer) {
    precondition(other.count == count, "buffers of different lengths")
    pointer.update(from: other.pointer, count: count)
  }
}
