// Text that rank 0 knows and the others need: the job, a checkpoint's facts. Files are read in one
// place only, so that nodes need no shared file system.

import Foundation
import Messaging

extension Agreement {
  /// Rank 0's text on every rank; what the others pass is ignored. Collective.
  public func share(_ text: String) throws -> String {
    let bytes = Array(text.utf8)
    let length = Int(try reduce(communicator.rank == 0 ? Double(bytes.count) : 0, .maximum))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 8)
    defer { buffer.deallocate() }
    if communicator.rank == 0 { buffer.copyBytes(from: bytes) }
    if length > 0 { try communicator.broadcast(buffer, root: 0) }
    return String(decoding: buffer, as: UTF8.self)
  }
}
