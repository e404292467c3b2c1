// A text for a character-level language model: windows of a fixed number of symbols, each with the
// symbols that follow as targets. The end of the text is held out.

import Basics
import Kernels

/// Windows of one half of a text.
public final class TextWindows: Dataset {
  public let count: Int
  /// `[length]`, indices.
  public let sampleShape: Shape
  /// The characters that symbols are the numbers of.
  public let alphabet: TextAlphabet
  /// The size of the alphabet.
  public var classes: Int { alphabet.scalars.count }
  public var coding: DataCoding { DataCoding([alphabet.numbering]) }
  /// A text that has no characters but those of the other data can take their numbers. Cost: 2 bytes
  /// a character.
  public func recoded(in coding: DataCoding) -> (any Dataset)? {
    guard let numbering = coding.numberings.first, let other = alphabet.other(numbering),
      let places = numbering.places(of: alphabet.numbering)?.map({ UInt16($0) })
    else { return coding == self.coding ? self : nil }
    return TextWindows(
      symbols.map { places[Int($0)] }, range, other, length: sampleShape.count, stride: stride)
  }
  /// For every symbol of a window the one behind it.
  public var targetsPerSample: Int { sampleShape.count }

  private let symbols: [UInt16]
  private let range: Range<Int>
  private let stride: Int

  /// The catalogue's entry.
  static let format = DatasetFormat(
    summary: "a text, character by character, for models that predict the next one",
    argument: "FILE",
    settings: [
      Setting("length", default: "64", help: "characters in a sample"),
      Setting("stride", default: "", help: "characters from one sample to the next; else length"),
      Setting("heldout", default: "0.1", help: "share of the text, at its end, that is held out"),
    ]
  ) { try open($0!, $1) }

  /// Opens a text. Characters are Unicode scalars where the file is valid UTF-8, else bytes.
  ///
  /// - Throws: `DataError` for the file, `SettingError` for settings.
  static func open(_ path: String, _ settings: Settings) throws -> DatasetPair {
    let length = try settings.int("length", .from(1, to: 0x1p20))
    let stride =
      settings.string("stride").isEmpty
      ? length : try settings.int("stride", .from(1, to: 0x1p20))
    let fraction = try HeldOutSplit.fraction(settings)
    let (alphabet, symbols) = try TextAlphabet.read(TextSource(path: path, content: "a text"))
    let end = symbols.count - Int(Double(symbols.count) * fraction)
    guard min(end, symbols.count - end) > length else {
      throw DataError(
        path: path,
        problem: "\(grouped(symbols.count)) characters, of which heldout=\(fraction) holds out "
          + "\(grouped(symbols.count - end)); both parts need more than length=\(length)")
    }
    guard max(end, symbols.count - end) / stride <= mostSamples else {
      throw DataError(path: path, problem: tooMany())
    }
    func half(_ range: Range<Int>) -> TextWindows {
      TextWindows(symbols, range, alphabet, length: length, stride: stride)
    }
    return DatasetPair(training: half(0..<end), heldOut: half(end..<symbols.count))
  }

  private init(
    _ symbols: [UInt16], _ range: Range<Int>, _ alphabet: TextAlphabet, length: Int, stride: Int
  ) {
    (self.symbols, self.alphabet) = (symbols, alphabet)
    (self.range, self.stride) = (range, stride)
    sampleShape = Shape([length], element: .index)
    // The last window's last target is in the range too.
    count = (range.count - length - 1) / stride + 1
  }

  /// Copies windows. Cost: about 1 ns a symbol.
  public func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable
  ) {
    let length = sampleShape.count
    let samples = inputs.bindMemory(to: Int32.self, capacity: indices.count * length)
    symbols.withUnsafeBufferPointer { symbols in
      for (place, index) in indices.enumerated() {
        precondition(index >= 0 && index < count, "there is no sample \(index)")
        let start = range.lowerBound + Int(index) * stride
        for offset in 0..<length {
          samples[place * length + offset] = Int32(symbols[start + offset])
          targets[place * length + offset] = Int32(symbols[start + offset + 1])
        }
      }
    }
  }
}
