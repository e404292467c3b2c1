// What a data set's numbers stand for. Classes, characters and ids are numbered in the order of those
// that occur, and features are measured by their own mean and deviation; so in another file the same
// number means something else. A checkpoint keeps the coding of the data that its model was trained
// on, and whatever else the model meets is put into that coding, or refused.

import Basics
import CZlib

/// What the numbers of a data set stand for; empty where the files themselves hold them.
public struct DataCoding: Sendable, Equatable, Codable {
  /// Classes, characters, users, items; none where a class is its own number.
  public var numberings: [Numbering]
  /// How features were put on one scale, if they were. About 40 bytes a feature in a checkpoint.
  public var standardisation: Standardisation?

  /// A coding; numberings that say nothing are left out.
  init(_ numberings: [Numbering] = [], standardisation: Standardisation? = nil) {
    self.numberings = numberings.filter { !$0.isPlain }
    self.standardisation = standardisation
  }

  /// For messages: `the classes 'a', 'b' and standardised features`.
  public var description: String {
    let parts =
      numberings.map { "the \($0.description)" }
      + (standardisation == nil ? [] : ["standardised features"])
    return parts.isEmpty ? "plain numbers" : parts.joined(separator: " and ")
  }
}

/// Names in the order of their numbers.
public struct Numbering: Sendable, Equatable, Codable {
  /// What is numbered: `classes`, `characters`, ...
  public let kind: String
  /// How many there are.
  public let count: Int
  /// All of them, where they are not many.
  public let names: [String]?
  /// CRC-32 of all names, for those that are too many to be kept.
  private let checksum: UInt32
  /// Whether every name is its own number.
  fileprivate let isPlain: Bool

  /// Bytes of names that are kept.
  private static let mostBytes = 1 << 16

  /// Numbers `names` from 0 on.
  init(_ kind: String, _ names: some Collection<String>) {
    (self.kind, count) = (kind, names.count)
    var sum: UInt = 0, bytes = 0
    for name in names {
      // No name's bytes hold what ends it.
      sum = (Array(name.utf8) + [0xFF]).withUnsafeBufferPointer {
        crc32_z(sum, $0.baseAddress, $0.count)
      }
      bytes += name.utf8.count
    }
    checksum = UInt32(sum)
    self.names = bytes <= Self.mostBytes ? Array(names) : nil
    isPlain = names.enumerated().allSatisfy { String($0) == $1 }
  }

  /// Texts that look alike may differ in their bytes.
  public static func == (a: Self, b: Self) -> Bool {
    (a.kind, a.count, a.checksum) == (b.kind, b.count, b.checksum)
  }

  /// For messages: `classes 'a', 'b'`, not too many of them.
  fileprivate var description: String {
    guard let names else { return "\(grouped(count)) \(kind) of checksum \(checksum)" }
    let list = names.prefix(8).map { shown($0.utf8) }.joined(separator: ", ")
    return "\(kind) \(list)" + (count > 8 ? ", ... (\(grouped(count)) in all)" : "")
  }

  /// A number that tells it from others.
  public var identity: Int { Int(checksum) }
}
