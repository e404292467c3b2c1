// What a rank did when: spans on a few tracks, kept in memory that is allocated beforehand, so that
// looking changes little. Cost: two clock readings (about 50 ns) per span while it records, one
// comparison while it does not.

/// A record of spans of time on one rank.
public final class Trace {
  /// Something with a beginning and an end.
  public struct Span: Sendable, Equatable {
    /// Index into `names`.
    public var name: Int32
    /// The row it is drawn in: see `Track`.
    public var track: Int32
    /// Nanoseconds since the trace's origin, and how long.
    public var start, duration: Int64
  }

  /// Rows of a rank's picture.
  public enum Track {
    /// Layers, updates, reading of data.
    public static let work: Int32 = 0
    /// Standing still until messages or other ranks come.
    public static let waiting: Int32 = 1
    /// Rounds of the schedule with tag 0; those of other tags follow.
    public static let rounds: Int32 = 2
  }

  /// Spans so far; those beyond the capacity are dropped.
  public private(set) var count = 0
  /// Whether spans are recorded now.
  public var isRecording = false
  /// Names of spans, by number.
  public private(set) var names: [String] = []
  private var numbers: [String: Int32] = [:]

  private let spans: UnsafeMutablePointer<Span>
  private let capacity: Int
  private let clock = ContinuousClock()
  private var origin: ContinuousClock.Instant

  /// - Parameter capacity: spans at most, 24 bytes each.
  public init(capacity: Int = 1 << 18) {
    self.capacity = capacity
    spans = .allocate(capacity: capacity)
    origin = clock.now
  }

  deinit { spans.deallocate() }

  /// Time counts from now on: to be called by all ranks right after a barrier.
  public func synchronise() { origin = clock.now }

  /// The number of a name; not while recording, because it allocates.
  public func number(of name: String) -> Int32 {
    if let known = numbers[name] { return known }
    names.append(name)
    numbers[name] = Int32(names.count - 1)
    return Int32(names.count - 1)
  }

  /// Now, in nanoseconds since the origin.
  public var now: Int64 {
    let (seconds, attoseconds) = (clock.now - origin).components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }

  /// Records a span that began at `start` and ends now.
  public func record(_ name: Int32, _ track: Int32, since start: Int64) {
    guard isRecording, count < capacity else { return }
    (spans + count).initialize(
      to: Span(name: name, track: track, start: start, duration: now - start))
    count += 1
  }

  /// Everything recorded, as bytes for another rank of the same program.
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: spans, count: count * MemoryLayout<Span>.stride)
  }

  /// The spans.
  public var recorded: [Span] { Array(UnsafeBufferPointer(start: spans, count: count)) }
}

extension Optional where Wrapped == Trace {
  /// The time if there is a trace that records, else 0: to be handed to `record`.
  @inline(__always)
  public var start: Int64 {
    guard let self, self.isRecording else { return 0 }
    return self.now
  }
}
