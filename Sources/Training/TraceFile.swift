// `trace.json`: what every rank did when, in the trace event format that chrome://tracing and
// Perfetto (https://ui.perfetto.dev) open. One group of rows per rank: work, waiting, and a row of
// rounds per bucket in flight.
//
// Format: "Trace Event Format", complete events ("ph": "X"), times in microseconds.

import Basics
import Foundation
import Messaging

/// Gathers and writes traces.
struct TraceFile {
  /// The file's name in the run's folder.
  static let name = "trace.json"
  let communicator: any Communicator

  /// The file's text on rank 0, nil on the others. Collective.
  func gather(_ trace: Trace) throws -> Data? {
    let agreement = Agreement(over: communicator)
    let tag = 1
    // Names are the same on all ranks where their work is; each sends its own all the same.
    let own = Data(try JSONEncoder().encode(trace.names))
    if communicator.rank != 0 {
      for bytes in [own, Data(trace.bytes)] {
        let length = try agreement.lengths(bytes.count)
        guard length[communicator.rank] > 0 else { continue }
        try bytes.withUnsafeBytes { bytes in
          try communicator.send(bytes, to: 0, tag: tag)
        }
      }
      return nil
    }
    var names = [trace.names]
    var spans = [trace.recorded]
    var parts: [[Data]] = []
    for bytes in [own, Data(trace.bytes)] {
      let lengths = try agreement.lengths(bytes.count)
      parts.append(try lengths.indices.dropFirst().map { try receive(lengths[$0], from: $0, tag) })
    }
    for (text, record) in zip(parts[0], parts[1]) {
      names.append(try JSONDecoder().decode([String].self, from: text))
      spans.append(
        record.withUnsafeBytes { Array($0.bindMemory(to: Trace.Span.self)) })
    }
    return Self.json(names: names, spans: spans)
  }

  private func receive(_ length: Int, from peer: Int, _ tag: Int) throws -> Data {
    guard length > 0 else { return Data() }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 16)
    defer { buffer.deallocate() }
    try communicator.receive(into: buffer, from: peer, tag: tag)
    return Data(buffer)
  }

  /// The text, for each rank's names and spans.
  static func json(names: [[String]], spans: [[Trace.Span]]) -> Data {
    var events: [String] = []
    for rank in spans.indices {
      events.append(meta("process_name", rank, 0, "rank \(rank)"))
      events.append(
        "{\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":\(rank),\"tid\":0,"
          + "\"args\":{\"sort_index\":\(rank)}}")
      for track in Set(spans[rank].map(\.track)).sorted() {
        events.append(meta("thread_name", rank, track, title(track)))
      }
      for span in spans[rank].sorted(by: { ($0.start, -$0.duration) < ($1.start, -$1.duration) }) {
        events.append(
          "{\"ph\":\"X\",\"name\":\(quoted(names[rank][Int(span.name)])),\"pid\":\(rank),"
            + "\"tid\":\(span.track),\"ts\":\(microseconds(span.start)),"
            + "\"dur\":\(microseconds(span.duration))}")
      }
    }
    return Data(
      ("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n" + events.joined(separator: ",\n")
        + "\n]}\n").utf8)
  }

  private static func title(_ track: Int32) -> String {
    switch track {
    case Trace.Track.work: "work"
    case Trace.Track.waiting: "waiting"
    default: "rounds of bucket \(track - Trace.Track.rounds)"
    }
  }

  private static func meta(_ kind: String, _ rank: Int, _ track: Int32, _ name: String) -> String {
    "{\"ph\":\"M\",\"name\":\"\(kind)\",\"pid\":\(rank),\"tid\":\(track),"
      + "\"args\":{\"name\":\(quoted(name))}}"
  }

  private static func quoted(_ text: String) -> String {
    let escaped = text.replacingOccurrences(of: "\\", with: "\\\\")
      .replacingOccurrences(of: "\"", with: "\\\"")
    return "\"\(escaped)\""
  }

  private static func microseconds(_ nanoseconds: Int64) -> String {
    String(format: "%.3f", Double(nanoseconds) / 1000)
  }
}

extension Agreement {
  /// What every rank says, on all ranks.
  fileprivate func lengths(_ own: Int) throws -> [Int] {
    var all = [Double](repeating: 0, count: communicator.size)
    all[communicator.rank] = Double(own)
    try reduce(&all, .sum)
    return all.map { Int($0) }
  }
}
