// The one place where MPI's return codes are read.

import CMPI
import Messaging

/// Throws what MPI says about `code`, unless it is success.
///
/// Codes are not classes: MPICH packs the place of the failure into the code, so codes are never
/// compared with anything but success.
func check(
  _ code: Int32, _ call: StaticString, rank: Int, peer: Int? = nil
) throws(MessagingError) {
  guard code != cmpi_success() else { return }
  let text = mpiString(capacity: cmpi_max_error_string()) { MPI_Error_string(code, $0, $1) }
  throw MessagingError(
    call: "\(call)", rank: rank, peer: peer, text: text.isEmpty ? "error code \(code)" : text)
}

/// A string from one of MPI's functions that fill a buffer; empty if the function fails.
func mpiString(
  capacity: Int32,
  _ fill: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32
) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(capacity) + 1) { buffer in
    buffer.initialize(repeating: 0)
    var length: Int32 = 0
    guard let base = buffer.baseAddress, fill(base, &length) == cmpi_success() else { return "" }
    var text = String(cString: base)
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
