// The run as machines read it: `log.jsonl`, one JSON object per line. Rank 0 writes it.

import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// One line of the log; names are written in snake_case. Fields that do not apply are left out, and
/// so is a loss that is not a number.
public struct LogLine: Codable, Sendable, Equatable {
  /// What a line reports.
  public enum Event: String, Codable, Sendable {
    /// The run begins, or goes on from `step`.
    case start
    /// Some steps were made; loss, accuracy and rates cover those since the last such line.
    case progress
    /// The held-out data were evaluated.
    case evaluation
    /// A checkpoint was written.
    case checkpoint
    /// The run ended; repeats the last held-out figures.
    case end
  }

  /// What the line reports.
  public var event: Event
  /// Epochs begun, counted from 1, and steps made.
  public var epoch, step: Int?
  /// Training loss and accuracy since the last progress line.
  public var loss, accuracy: Double?
  /// Figures on the held-out data.
  public var heldOutLoss, heldOutAccuracy: Double?
  /// Rate of the last step.
  public var learningRate: Double?
  /// Samples of all ranks per second since the last progress line.
  public var samplesPerSecond: Double?
  /// Share of this rank's time that went into communication since the last progress line.
  public var communicationShare: Double?
  /// Finite gradient values that became infinite in a 16-bit wire format since the last line, if any.
  public var overflows: Int?
  /// Bytes this rank has handed over for sending since the start.
  public var bytesSent: Int?
  /// Seconds since the start.
  public var seconds: Double?
  /// Where a checkpoint lies.
  public var path: String?
  /// How the run ended: `done`, `stopped` or `diverged`.
  public var outcome: String?
  /// What a person should know, for example that a damaged checkpoint was passed over.
  public var note: String?
  /// Facts of the run, on `start`.
  public var ranks, parameters, totalSteps: Int?
  public var instructionSet: String?

  /// A line with nothing but its event.
  public init(_ event: Event) { self.event = event }

  /// The line as JSON, keys sorted, without a line break.
  public func json() throws -> String {
    var line = self
    line.loss = loss.flatMap { $0.isFinite ? $0 : nil }
    line.heldOutLoss = heldOutLoss.flatMap { $0.isFinite ? $0 : nil }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return String(decoding: try encoder.encode(line), as: UTF8.self)
  }
}

/// The log file, appended to line by line.
final class RunLog {
  let path: String
  private let descriptor: Int32

  /// Opens or makes the file; lines after `step` (of a run that was killed after its last
  /// checkpoint) are dropped, those before it are returned.
  init(path: String, keepingUpTo step: Int?) throws(FileError) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self.path = path
    var kept: [(text: Substring, line: LogLine)] = []
    if let step, access(path, F_OK) == 0 {
      let text = String(decoding: try AtomicFile.read(path), as: UTF8.self)
      // A line that a kill cut short is no line.
      kept = text.split(separator: "\n").compactMap { text in
        (try? decoder.decode(LogLine.self, from: Data(text.utf8))).map { (text, $0) }
      }
      .filter { ($0.line.step ?? 0) <= step && $0.line.event != .end }
    }
    earlier = kept.map(\.line)
    let lines = kept.map { $0.text + "\n" }.joined()
    try AtomicFile.write(Data(lines.utf8), to: path)
    descriptor = open(path, O_WRONLY | O_APPEND)
    guard descriptor >= 0 else { throw FileError("write", path, errno) }
  }

  deinit { close(descriptor) }

  /// Lines of an earlier part of the run.
  let earlier: [LogLine]

  /// Appends a line; a line that does not fit on the disk leaves no trace.
  func write(_ line: LogLine) throws(FileError) {
    guard let text = try? line.json() else { throw FileError("write", path, EINVAL) }
    let bytes = Array((text + "\n").utf8)
    let start = lseek(descriptor, 0, SEEK_END)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress! + written, bytes.count - written)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let code = errno
        _ = ftruncate(descriptor, start)
        throw FileError("write", path, code)
      }
      written += count
    }
  }
}
