// What a data set's numbers stand for. Classes, characters and ids are numbered in the order of those
// that occur, and features are measured by their own mean and deviation; so in another file the same
// number means something else. A checkpoint keeps the coding of the data that its model was trained
// on, and whatever else the model meets is put into that coding, or refused.

import Basics
import CZlib

/// What the numbers of a data set stand for; empty where the files themselves hold them. Codings are
/// equal if every number stands for the same, of however many there are.
public struct DataCoding: Sendable, Equatable, Codable {
  /// Classes, characters, users, items.
  public var numberings: [Numbering]
  /// How features were put on one scale, if they were. About 40 bytes a feature in a checkpoint.
  public var standardisation: Standardisation?

  /// A coding.
  init(_ numberings: [Numbering] = [], standardisation: Standardisation? = nil) {
    self.numberings = numberings.filter { $0.count > 0 }
    self.standardisation = standardisation
  }

  /// Those that say something: a class that is its own number is one in every format.
  private var telling: [Numbering] { numberings.filter { !$0.isPlain } }

  public static func == (a: Self, b: Self) -> Bool {
    a.telling == b.telling && a.standardisation == b.standardisation
  }

  /// The numbering of classes; nil if there are none, or none that have names.
  var classes: Numbering? { numberings.first { $0.kind == Numbering.classes } }

  /// The numbers of classes of `other` in this coding; nil where one is unknown here.
  func places(ofClassesOf other: DataCoding) -> [Int32]? {
    guard let theirs = other.classes else { return [] }
    guard let classes else { return theirs.isPlain ? theirs.same : nil }
    return classes.places(of: theirs)
  }

  /// For messages: `the classes 'a', 'b' and standardised features`.
  public var description: String {
    let parts =
      telling.map { "the \($0.description)" }
      + (standardisation == nil ? [] : ["standardised features"])
    return parts.isEmpty ? "plain numbers" : parts.joined(separator: " and ")
  }

  /// What `other` has instead, for messages: `other classes: 'c', 'd'`.
  public func difference(of other: DataCoding) -> String {
    guard telling != other.telling else { return "features of another mean and deviation" }
    guard telling.map(\.kind) == other.telling.map(\.kind) else { return other.description }
    for (mine, theirs) in zip(telling, other.telling) {
      guard let strange = mine.strange(in: theirs), !strange.isEmpty else { continue }
      return "other \(mine.kind): " + Numbering.list(strange)
    }
    return other.telling.map { "the \($0.description)" }.joined(separator: " and ") + " only"
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

  /// The kind that may be plain numbers.
  static let classes = "classes"

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

  /// Every number as it is.
  fileprivate var same: [Int32] { Array(0..<Int32(count)) }

  /// The numbers here of the names of `other`; nil where one is unknown, or names are not kept.
  func places(of other: Numbering) -> [Int32]? {
    guard self != other else { return same }
    guard kind == other.kind, let names, let others = other.names else { return nil }
    // Bytes: strings that look alike are equal to Swift.
    let places = Dictionary(
      names.enumerated().map { (Array($1.utf8), Int32($0)) },
      uniquingKeysWith: { first, _ in first })
    let found = others.compactMap { places[Array($0.utf8)] }
    return found.count == others.count ? found : nil
  }

  /// Names of `other` that are unknown here; nil where names are not kept.
  fileprivate func strange(in other: Numbering) -> [String]? {
    guard let names, let others = other.names else { return nil }
    let known = Set(names.map { Array($0.utf8) })
    return others.filter { !known.contains(Array($0.utf8)) }
  }

  /// Texts that look alike may differ in their bytes.
  public static func == (a: Self, b: Self) -> Bool {
    (a.kind, a.count, a.checksum) == (b.kind, b.count, b.checksum)
  }

  /// For messages: `classes 'a', 'b'`, not too many of them.
  fileprivate var description: String {
    guard let names else { return "\(grouped(count)) \(kind) of checksum \(checksum)" }
    return "\(kind) \(Self.list(names))"
  }

  fileprivate static func list(_ names: [String]) -> String {
    names.prefix(8).map { shown($0.utf8) }.joined(separator: ", ")
      + (names.count > 8 ? ", ... (\(grouped(names.count)) in all)" : "")
  }

  /// A number that tells it from others.
  public var identity: Int { Int(checksum) }
}
