// The run as a person watches it: a bar that stays in place on a terminal, plain lines elsewhere.

import Basics
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// How progress is shown.
public enum ProgressStyle: String, Sendable, CaseIterable {
  /// One line that is rewritten.
  case bar
  /// A line per report, at most about one a second.
  case lines
  /// Nothing.
  case none

  /// What suits standard output. Under Open MPI a rank's output is a pseudo-terminal whatever
  /// mpirun's own is, so mpirun, the parent process, is looked at where there is one.
  ///
  /// - Throws: `UnknownName` where APUS_PROGRESS asks for something else.
  public static func suited(
    to environment: [String: String]
  ) throws(UnknownName) -> ProgressStyle {
    if let asked = environment["APUS_PROGRESS"], !asked.isEmpty {
      guard let style = ProgressStyle(rawValue: asked) else {
        throw UnknownName(
          kind: "APUS_PROGRESS", name: asked, known: allCases.map(\.rawValue))
      }
      return style
    }
    guard isatty(STDOUT_FILENO) == 1 else { return .lines }
    let isRank =
      environment["OMPI_COMM_WORLD_SIZE"] != nil || environment["PMI_SIZE"] != nil
    guard isRank else { return .bar }
    var target = [CChar](repeating: 0, count: 256)
    let length = readlink("/proc/\(getppid())/fd/1", &target, target.count - 1)
    guard length > 0 else { return .lines }
    let path = String(decoding: target.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return path.hasPrefix("/dev/pts/") || path.hasPrefix("/dev/tty") ? .bar : .lines
  }
}

/// Writes progress to standard output.
final class Progress {
  private let style: ProgressStyle
  private let total: Int
  private let clock = ContinuousClock()
  private let began: ContinuousClock.Instant
  private let firstStep: Int
  private var lastShown: ContinuousClock.Instant?
  private var barIsOpen = false

  init(style: ProgressStyle, firstStep: Int, total: Int) {
    (self.style, self.firstStep, self.total) = (style, firstStep, total)
    began = clock.now
  }

  /// Shows a `progress` line of the log.
  func show(_ line: LogLine, epochs: Int) {
    guard style != .none, let step = line.step else { return }
    let now = clock.now
    let pause: Duration = style == .bar ? .milliseconds(100) : .seconds(1)
    if let lastShown, now - lastShown < pause, step < total { return }
    lastShown = now
    let elapsed = (now - began) / .seconds(1)
    let left = step > firstStep ? elapsed / Double(step - firstStep) * Double(total - step) : 0
    // Each with its rank: where a terminal is narrow, the highest ranks are left out.
    let fields = [
      (0, "epoch \(line.epoch ?? 0)/\(epochs)"), (1, "step \(step)/\(total)"),
      (2, "loss \(Self.digits(line.loss, 4))"), (5, "accuracy \(Self.digits(line.accuracy, 3))"),
      (4, "\(Self.thousands(line.samplesPerSecond ?? 0)) samples/s"),
      (6, "communication \(Int(((line.communicationShare ?? 0) * 100).rounded())) %"),
      (3, "left \(Self.time(left))"),
    ]
    switch style {
    case .bar:
      let width = 20
      let filled = width * step / max(total, 1)
      let bar =
        String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
      var shown = fields
      func text() -> String { ([bar] + shown.map(\.1)).joined(separator: "  ") }
      while let widest = shown.indices.max(by: { shown[$0].0 < shown[$1].0 }), widest > 0,
        text().count >= Self.columns
      { shown.remove(at: widest) }
      emit("\r\u{1B}[2K" + text())
      barIsOpen = true
    case .lines: emit(fields.map(\.1).joined(separator: "  ") + "\n")
    case .none: break
    }
  }

  /// Columns of the terminal; 80 where nobody knows.
  private static var columns: Int {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Leaves the bar as it is; what follows begins on a line of its own.
  func close() {
    if barIsOpen { emit("\n") }
    barIsOpen = false
  }

  /// A line of its own, above the bar.
  func say(_ text: String) {
    guard style != .none else { return }
    emit((barIsOpen ? "\r\u{1B}[2K" : "") + text + "\n")
    barIsOpen = false
  }

  private func emit(_ text: String) {
    // Nobody reading any more must not end the run.
    FileHandle.standardOutput.writeIgnoringErrors(Data(text.utf8))
  }

  static func digits(_ value: Double?, _ places: Int) -> String {
    guard let value else { return "-" }
    return value.isFinite ? String(format: "%.\(places)f", value) : "not a number"
  }

  static func thousands(_ value: Double) -> String {
    guard value.isFinite, value < 1e15 else { return "-" }
    var digits = String(Int(value.rounded()))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits = String(digits.dropLast(3))
    }
    return ([digits] + groups).joined(separator: ",")
  }

  static func time(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e8 else { return "-" }
    let whole = Int(seconds.rounded())
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    return hours > 0
      ? String(format: "%d:%02d:%02d", hours, minutes, whole % 60)
      : String(format: "%d:%02d", minutes, whole % 60)
  }
}

extension FileHandle {
  /// Writes what it can.
  fileprivate func writeIgnoringErrors(_ data: Data) {
    data.withUnsafeBytes { _ = Glibc.write(fileDescriptor, $0.baseAddress, $0.count) }
  }
}
