// All ranks of an all-reduce must mean the same by it. If one has another vector length or
// algorithm, the others add nonsense or wait for ever; so before the first time they compare what
// they are about to do.
//
// Cost: one all-reduce of four numbers as long as all agree. Only if they do not, the facts
// themselves go round (a broadcast by each rank), and every rank comes to the same verdict.

import Messaging

/// Something that must be the same on all ranks, for example the length of a vector.
public struct CommonFact: Sendable, Equatable {
  /// What it is, with its article: "the vector length".
  public let name: String
  /// This rank's value, as a user would read it.
  public let value: String

  /// A fact in words or numbers.
  public init(_ name: String, _ value: some CustomStringConvertible) {
    (self.name, self.value) = (name, value.description)
  }
}

/// Compares facts among ranks.
public enum MismatchCheck {
  /// Returns if `facts` are the same on all ranks of `communicator`; all ranks call it together.
  ///
  /// - Throws: the same error on all ranks, about the first fact that differs, for example
  ///   "the ranks disagree on the vector length: 1001 on rank 2, 1000 on the others"; or a
  ///   communication error.
  public static func compare(
    _ facts: [CommonFact], over communicator: any Communicator
  ) throws(MessagingError) {
    guard communicator.size > 1 else { return }
    let own = encode(facts)
    guard try differs(own, communicator) else { return }
    let all = try gather(own, communicator).map(decode)
    // Equal digests of different texts are possible in theory, different ones of equal texts not.
    guard let verdict = verdict(all) else { return }
    throw MessagingError(
      call: "comparison of settings", rank: communicator.rank, peer: verdict.rank,
      text: verdict.text, isShared: true)
  }

  /// The first fact that differs, and the lowest rank of those that stand alone; nil if none does.
  static func verdict(_ all: [[CommonFact]]) -> (rank: Int, text: String)? {
    var names: [String] = []
    for fact in all.joined() where !names.contains(fact.name) { names.append(fact.name) }
    for name in names {
      var groups: [(value: String, ranks: [Int])] = []
      for (rank, facts) in all.enumerated() {
        let value = facts.first { $0.name == name }?.value ?? "nothing"
        if let place = groups.firstIndex(where: { $0.value == value }) {
          groups[place].ranks.append(rank)
        } else {
          groups.append((value, [rank]))
        }
      }
      guard groups.count > 1 else { continue }
      // Few against many: the many are "the others", if they are more than half.
      let most = groups.indices.max { groups[$0].ranks.count < groups[$1].ranks.count } ?? 0
      let majority = groups[most].ranks.count * 2 > all.count ? groups.remove(at: most) : nil
      var parts = groups.map { "\($0.value) on \(list($0.ranks))" }
      if let majority { parts.append("\(majority.value) on the others") }
      return (
        groups[majority == nil ? 1 : 0].ranks[0],
        "the ranks disagree on \(name): \(parts.joined(separator: ", "))"
      )
    }
    return nil
  }

  /// "rank 3", "ranks 0, 1, 4", "ranks 0, 1, 2, 3 and 96 more".
  private static func list(_ ranks: [Int]) -> String {
    let shown = ranks.prefix(ranks.count > 8 ? 4 : 8).map(String.init).joined(separator: ", ")
    let more = ranks.count > 8 ? " and \(ranks.count - 4) more" : ""
    return "rank\(ranks.count == 1 ? "" : "s") \(shown)\(more)"
  }

  // MARK: messages

  /// Whether a digest of the text differs anywhere: its halves' largest and smallest values.
  private static func differs(_ text: [UInt8], _ communicator: any Communicator)
    throws(MessagingError) -> Bool
  {
    // FNV-1a.
    let digest = text.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    let halves = [Double(digest >> 32), Double(digest & 0xffff_ffff)]
    let largest = UnsafeMutableBufferPointer<Double>.allocate(capacity: 4)
    defer { largest.deallocate() }
    _ = largest.initialize(from: halves + halves.map { -$0 })
    try communicator.allReduce(largest, .maximum)
    return largest[0] != -largest[2] || largest[1] != -largest[3]
  }

  /// Every rank's text on every rank.
  private static func gather(_ text: [UInt8], _ communicator: any Communicator)
    throws(MessagingError) -> [[UInt8]]
  {
    let capacity = Int(try communicator.allReduce(Double(text.count), .maximum))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
    defer { buffer.deallocate() }
    var texts: [[UInt8]] = []
    for root in 0..<communicator.size {
      buffer.initializeMemory(as: UInt8.self, repeating: 0)
      if root == communicator.rank { buffer.copyBytes(from: text) }
      try communicator.broadcast(buffer, root: root)
      texts.append(Array(buffer))
    }
    return texts
  }

  /// Name, value, name, value, each followed by a zero byte; more zeros may follow.
  private static func encode(_ facts: [CommonFact]) -> [UInt8] {
    facts.flatMap { Array($0.name.utf8) + [0] + Array($0.value.utf8) + [0] }
  }

  private static func decode(_ text: [UInt8]) -> [CommonFact] {
    let words = text.split(separator: 0, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    return stride(from: 0, to: words.count - 1, by: 2).prefix { !words[$0].isEmpty }
      .map { CommonFact(words[$0], words[$0 + 1]) }
  }
}
