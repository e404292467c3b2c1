// What every communicator must do, as checks that take one. LocalWorld runs them with ranks as
// threads, the world communicator with ranks as processes, from one process up.

import Messaging
import Testing

/// A check that failed, on some rank.
struct ConformanceFailure: Error, CustomStringConvertible {
  let description: String
}

/// Throws `text` unless `condition` holds; `#expect` would not reach its test from a rank's thread.
func require(
  _ condition: Bool, _ text: @autoclosure () -> String, line: Int = #line
) throws {
  if !condition { throw ConformanceFailure(description: "line \(line): \(text())") }
}

/// A named check.
struct ConformanceCheck: Sendable, CustomTestStringConvertible {
  let name: String
  let body: @Sendable (any Communicator) throws -> Void

  init(_ name: String, _ body: @escaping @Sendable (any Communicator) throws -> Void) {
    (self.name, self.body) = (name, body)
  }

  var testDescription: String { name }

  static let all = messages + matching + collective + shared + schedules
}

/// Bytes that tell their sender and place.
func pattern(_ count: Int, _ seed: Int) -> [UInt8] {
  // All empty arrays share one object, whose count the line below would write from many threads.
  guard count > 0 else { return [] }
  return Array(unsafeUninitializedCapacity: count) { buffer, initialised in
    var place = 0
    while place < count {
      buffer[place] = UInt8(truncatingIfNeeded: place &* 7 &+ seed &* 31 &+ 1)
      place &+= 1
    }
    initialised = count
  }
}

/// Memory at a fixed address, for messages that are still under way when a function has moved on.
final class Memory {
  let bytes: UnsafeMutableRawBufferPointer

  init(_ content: [UInt8]) {
    bytes = .allocate(byteCount: content.count, alignment: 64)
    bytes.copyBytes(from: content)
  }

  deinit { bytes.deallocate() }

  var content: [UInt8] { Array(bytes) }
}

extension Communicator {
  var right: Int { (rank + 1) % size }
  var left: Int { (rank + size - 1) % size }

  /// Blocking exchange along the ring; to itself if it is alone.
  func exchange(_ outgoing: [UInt8], capacity: Int, tag: Int) throws -> (Message, [UInt8]) {
    let incoming = Memory(Array(repeating: 0, count: capacity))
    let receive = try startReceive(into: incoming.bytes, from: left, tag: tag)
    try outgoing.withUnsafeBytes { try send($0, to: right, tag: tag) }
    let message = try wait(receive)
    return (message, Array(incoming.content.prefix(message.byteCount)))
  }
}
