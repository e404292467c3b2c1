// Flat memory: one aligned block of floats that a replica's parameters, gradients, optimizer state
// or activations lie in. Everything else in Apus refers to parts of such a block by `Range<Int>`.

#if canImport(Glibc)
  import Glibc
#endif

/// An aligned, zero-filled block of `count` 32-bit floats at a fixed address.
///
/// The block starts on a 64-byte boundary (a cache line, an AVX-512 register) and is padded at its
/// end to whole cache lines, so that a kernel never shares a line with a neighbour. It is allocated
/// once and never moves or grows: after warm-up a training step allocates nothing.
public final class FloatBuffer {
  /// Floats per 64-byte cache line; ranges that start on a multiple of it are aligned.
  public static let alignment = 16

  /// Bytes of a huge page; blocks of at least half that size ask the system for them.
  private static let hugePage = 2 << 20
  private static let largestShift = 15 * 4_352

  /// The first float.
  public let pointer: UnsafeMutablePointer<Float>
  /// Number of usable floats.
  public let count: Int
  private let block: UnsafeMutableRawPointer?
  private let owner: AnyObject?

  /// Allocates `count` floats, all zero.
  public init(count: Int) {
    precondition(count >= 0, "a buffer cannot hold a negative number of floats")
    let padded = Self.aligned(max(count, 1))
    let byteCount = padded * MemoryLayout<Float>.stride
    if byteCount < Self.hugePage / 2 {
      block = .allocate(byteCount: byteCount, alignment: 64)
      pointer = block!.bindMemory(to: Float.self, capacity: padded)
    } else {
      let pages = (byteCount + Self.largestShift + Self.hugePage - 1) / Self.hugePage
      let start = UnsafeMutableRawPointer.allocate(
        byteCount: pages * Self.hugePage, alignment: Self.hugePage)
      #if os(Linux)
        // Matrices whose rows are pages apart would miss the address cache at every step.
        madvise(start, pages * Self.hugePage, MADV_HUGEPAGE)
      #endif
      // Vectors that all began at the start of a page would share the same few cache sets.
      let shift = (Int(bitPattern: start) / Self.hugePage * 4_352) % Self.largestShift
      block = start
      pointer = (start + shift).bindMemory(to: Float.self, capacity: padded)
    }
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
    block = nil
  }

  deinit { block?.deallocate() }

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
