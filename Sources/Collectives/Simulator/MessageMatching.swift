// Which send goes with which receive: the nth receive from a rank takes its nth send. Where a few
// ranks stand for all, a message from far away is the one that the sender's representative sends to
// a rank as far from itself.
//
// Cost: O(messages log messages).

/// All messages of all programs.
struct MessageMatching {
  struct Message {
    var bytes: Double
    /// The processes at its ends.
    var sender: Int32
    var receiver: Int32 = -1
    var isLocal: Bool
  }

  /// Messages, numbered by sender, then by send.
  private(set) var messages: [Message] = []
  /// For each receive, numbered by receiver, the message that it takes.
  private(set) var received: [Int32] = []
  /// Where the sends and the receives of a process begin.
  private(set) var firstSend: [Int] = [], firstReceive: [Int] = []

  /// - Parameter programs: of representative r in stage s: number `s * representatives.count + r`.
  init(
    _ programs: [RankProgram], _ representatives: Representatives, _ topology: Topology
  ) throws(SimulationError) {
    typealias Key = (pair: UInt64, index: Int)
    let period = representatives.count
    let ranks = UInt64(representatives.ranks)
    var sends: [Key] = [], receives: [Key] = []
    var arriving: [(bytes: Double, process: Int)] = []
    func key(_ process: Int, from: Int, to: Int) -> UInt64 {
      let stage = UInt64(process / period)
      let sender = UInt64(representatives.representative(of: from))
      return (stage * UInt64(period) + sender) * ranks + UInt64(representatives.relation(from, to))
    }
    for (process, program) in programs.enumerated() {
      let rank = representatives.rank(of: process % period)
      firstSend.append(messages.count)
      firstReceive.append(arriving.count)
      for send in program.sends {
        let to = Int(send.peer)
        sends.append((key(process, from: rank, to: to), messages.count))
        messages.append(
          Message(
            bytes: send.bytes, sender: Int32(process),
            isLocal: topology.nodes[rank] == topology.nodes[to]))
      }
      for receive in program.receives {
        receives.append((key(process, from: Int(receive.peer), to: rank), arriving.count))
        arriving.append((receive.bytes, process))
      }
    }
    guard sends.count == receives.count else {
      throw SimulationError("\(sends.count) sends, but \(receives.count) receives")
    }
    sends.sort { ($0.pair, $0.index) < ($1.pair, $1.index) }
    receives.sort { ($0.pair, $0.index) < ($1.pair, $1.index) }
    received = Array(repeating: -1, count: arriving.count)
    for (send, receive) in zip(sends, receives) {
      let (bytes, process) = arriving[receive.index]
      guard send.pair == receive.pair, messages[send.index].bytes == bytes else {
        throw SimulationError(
          "rank \(representatives.rank(of: process % period)) receives \(Int(bytes)) bytes that "
            + "nobody sends")
      }
      messages[send.index].receiver = Int32(process)
      received[receive.index] = Int32(send.index)
    }
  }
}
