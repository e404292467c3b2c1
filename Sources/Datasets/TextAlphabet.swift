// The symbols of a text: its different characters, numbered. Character-level language models (Graves:
// Generating sequences with recurrent neural networks, 2013) know nothing else of a language.

import Basics

/// Characters by number, and numbers by character.
public struct TextAlphabet: Sendable, Equatable {
  /// The different characters, ascending; a character's number is its place here.
  public let scalars: [Unicode.Scalar]
  /// Whether the text is no valid UTF-8, so that each byte is a character (U+0000 to U+00FF).
  public let areBytes: Bool

  /// Most characters: symbols are stored in 16 bits.
  static let most = 1 << 16

  init(_ scalars: [Unicode.Scalar], areBytes: Bool) {
    (self.scalars, self.areBytes) = (scalars, areBytes)
  }

  /// What symbols stand for.
  var numbering: Numbering {
    Numbering(areBytes ? "bytes" : "characters", scalars.map { String($0) })
  }

  /// The characters that `numbering` numbers, if they are of the same kind and all are known.
  func other(_ numbering: Numbering) -> TextAlphabet? {
    guard numbering.kind == self.numbering.kind, let names = numbering.names else { return nil }
    return TextAlphabet(names.compactMap(\.unicodeScalars.first), areBytes: areBytes)
  }

  /// The numbers of the characters of `text`; nil if one of them is not in the alphabet.
  public func symbols(of text: String) -> [Int32]? {
    let places = Dictionary(uniqueKeysWithValues: scalars.enumerated().map { ($1, Int32($0)) })
    let found =
      areBytes
      ? text.utf8.map { places[Unicode.Scalar($0)] } : text.unicodeScalars.map { places[$0] }
    return found.contains(nil) ? nil : found.compactMap { $0 }
  }

  /// The text that `symbols` are the numbers of, as the file would have it: UTF-8, or plain bytes.
  public func bytes(of symbols: some Sequence<Int32>) -> [UInt8] {
    let scalars = symbols.map { self.scalars[Int($0)] }
    return areBytes
      ? scalars.map { UInt8($0.value) } : scalars.flatMap { Array(UTF8.encode($0)!) }
  }

  /// Reads a text: the alphabet, and the text in its numbers. Cost: two passes, 2 bytes a character.
  ///
  /// - Throws: `DataError` where there are too many different characters.
  static func read(
    _ source: TextSource
  ) throws(DataError) -> (alphabet: TextAlphabet, symbols: [UInt16]) {
    let bytes = UnsafeBufferPointer(
      start: source.bytes + source.start, count: source.end - source.start)
    if let text = String(validating: bytes, as: UTF8.self) {
      return try number(text.unicodeScalars, bytes.count, areBytes: false, source.path) { $0.value }
    }
    return try number(bytes, bytes.count, areBytes: true, source.path) { UInt32($0) }
  }

  private static func number<Text: Sequence>(
    _ text: Text, _ most: Int, areBytes: Bool, _ path: String, value: (Text.Element) -> UInt32
  ) throws(DataError) -> (alphabet: TextAlphabet, symbols: [UInt16]) {
    var places = [UInt32](repeating: 0, count: 0x11_0000)
    var scalars: [Unicode.Scalar] = []
    for character in text where places[Int(value(character))] == 0 {
      places[Int(value(character))] = 1
      scalars.append(Unicode.Scalar(value(character))!)
    }
    scalars.sort()
    for (place, scalar) in scalars.enumerated() { places[Int(scalar.value)] = UInt32(place) }
    guard scalars.count <= Self.most else {
      throw DataError(
        path: path,
        problem:
          "\(grouped(scalars.count)) different characters; at most \(grouped(Self.most)) are "
          + "possible")
    }
    var symbols: [UInt16] = []
    symbols.reserveCapacity(most)
    for character in text {
      symbols.append(UInt16(truncatingIfNeeded: places[Int(value(character))]))
    }
    return (TextAlphabet(scalars, areBytes: areBytes), symbols)
  }
}
