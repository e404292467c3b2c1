// How a run that fails ends: one line on standard error from one rank, and the same exit code from
// all of them.

import Foundation
import Messaging
import Training

#if canImport(Glibc)
  import Glibc
#endif

/// An error with its exit code, ready to be reported.
struct Failure: Error {
  let message: String?
  let code: ExitCode

  /// Reports an error that all ranks know of.
  init(_ error: any Error) {
    code = ExitCode(for: error)
    message = error is SharedFailure ? nil : "\(error)"
  }

  /// Prints and ends the process; MPI is finalised on the way out.
  func report() -> Never {
    if let message { Self.say(message) }
    exit(code.rawValue)
  }

  /// One line on standard error, whatever the text holds.
  static func say(_ message: String) {
    let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
    // Nobody may be listening: that must not be another failure.
    let bytes = Array("apus: \(line)\n".utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }
}
