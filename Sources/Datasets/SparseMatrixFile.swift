// A LIBSVM file in compressed sparse row form, as memory that samples can point into. Parsed once, it
// is kept as a binary file beside its source, `FILE.apus-index`, which all ranks of a node map and so
// have in memory once; where the folder is not writable it is on the heap. The index is made anew when
// the source has changed or the index is damaged: it holds the source's size and time and a CRC-32.
//
//     header        16 numbers of 64 bits, see `Word`; a machine of another byte order takes the
//                   magic number for damage
//     starts        rows + 1 numbers of 64 bits: where each row's entries begin
//     labels        rows floats
//     indices       entries 32-bit numbers, from 0
//     values        entries floats

import Basics
import CZlib

/// The rows of one LIBSVM file.
final class SparseMatrixFile: @unchecked Sendable {
  /// The text file.
  let path: String
  /// Samples, and entries of all samples.
  let rows, entries: Int
  /// What indices are counted from: as the file itself tells (1, or 0 if a 0 occurs), and here.
  let ownBase, base: Int
  /// Features that the largest index needs, counted from 0.
  let features: Int

  private let store: ByteStore
  private let starts: UnsafePointer<Int64>
  /// One per row.
  let labels: UnsafePointer<Float>
  private let indices: UnsafePointer<Int32>
  private let values: UnsafePointer<Float>

  /// What the header's numbers are.
  private enum Word: Int {
    case magic, version, checksum  // the sum is of everything behind it
    case sourceSize, sourceModified, ownBase, base, rows, entries, features, count = 16
  }
  private static let magic = Int64(bigEndian: 0x4150_5553_5F43_5352)  // "APUS_CSR"
  private static let version: Int64 = 1
  private static let unsummed = 3 * 8

  /// The index of `path`.
  static func indexPath(of path: String) -> String { path + ".apus-index" }

  /// Opens `path`, through its index if there is a good one.
  ///
  /// - Parameter base: what indices are counted from; nil: what its index has, or the file itself
  ///   tells.
  /// - Throws: `DataError` for a text that is malformed or cannot be read.
  static func open(_ path: String, base: Int? = nil) throws(DataError) -> SparseMatrixFile {
    let stamp = FileStamp(path)
    func stored() -> SparseMatrixFile? {
      guard let stamp, let store = try? ByteStore(mapping: indexPath(of: path)),
        let file = SparseMatrixFile(path, store, stamp), base == nil || base == file.base
      else { return nil }
      return file
    }
    if let file = stored() { return file }
    let source = try TextSource(path: path, content: "LABEL INDEX:VALUE ...")
    let made = SparseMatrixFile.image(of: try LIBSVMParser(source), base: base, stamp)
    // A source that is being written belongs to no index.
    if stamp == FileStamp(path), writeCache(made.bytes, to: indexPath(of: path)),
      let file = stored()
    {
      return file
    }
    return SparseMatrixFile(path, made)
  }

  /// Entries of one row.
  func row(_ row: Int) -> SparseRow {
    precondition(row >= 0 && row < rows, "there is no row \(row)")
    let first = Int(starts[row])
    return SparseRow(
      indices: indices + first, values: values + first, count: Int(starts[row + 1]) - first)
  }

  /// An error about a row, with its line.
  func failure(atRow row: Int, _ problem: String) -> DataError {
    do throws(DataError) {
      let source = try TextSource(path: path, content: "LABEL INDEX:VALUE ...")
      return source.failure(at: LIBSVMParser.offset(ofRow: row, in: source), problem)
    } catch { return error }
  }

  /// Lays a parsed text out.
  private static func image(
    of text: LIBSVMParser, base: Int?, _ stamp: FileStamp?
  ) -> ByteStore {
    let ownBase = text.smallest == 0 ? 0 : 1, base = base ?? ownBase
    let (rows, entries) = (text.labels.count, text.indices.count)
    return ByteStore(count: size(rows: rows, entries: entries)!) { block in
      block.initializeMemory(as: UInt8.self, repeating: 0)
      let words = block.bindMemory(to: Int64.self).baseAddress!
      func set(_ word: Word, _ value: Int64) { words[word.rawValue] = value }
      set(.magic, magic)
      set(.version, version)
      set(.sourceSize, stamp?.size ?? 0)
      set(.sourceModified, stamp?.modified ?? 0)
      set(.ownBase, Int64(ownBase))
      set(.base, Int64(base))
      set(.rows, Int64(rows))
      set(.entries, Int64(entries))
      set(.features, entries == 0 ? 0 : Int64(Int(text.largest) + 1 - base))
      var place = block.baseAddress! + Word.count.rawValue * 8
      func append<Value: BitwiseCopyable>(_ values: [Value]) {
        values.withUnsafeBytes {
          if let start = $0.baseAddress { place.copyMemory(from: start, byteCount: $0.count) }
          place += $0.count
        }
      }
      append(text.starts)
      append(text.labels)
      append(base == 0 ? text.indices : text.indices.map { $0 - 1 })
      append(text.values)
      set(.checksum, sum(UnsafeRawBufferPointer(block)))
    }
  }

  /// The checksum that belongs into an image.
  static func sum(_ image: UnsafeRawBufferPointer) -> Int64 {
    let rest = UnsafeRawBufferPointer(rebasing: image[unsummed...])
    return Int64(crc32_z(0, rest.bindMemory(to: Bytef.self).baseAddress, rest.count))
  }

  /// Bytes of an image; nil for numbers that no file has.
  private static func size(rows: Int, entries: Int) -> Int? {
    guard (1...Int(Int32.max)).contains(rows), (0...1 << 48).contains(entries) else { return nil }
    return Word.count.rawValue * 8 + (rows + 1) * 8 + rows * 4 + entries * 8
  }

  /// Takes an image that was just made.
  private init(_ path: String, _ store: ByteStore) {
    (self.path, self.store) = (path, store)
    let words = store.bytes.assumingMemoryBound(to: Int64.self)
    rows = Int(words[Word.rows.rawValue])
    entries = Int(words[Word.entries.rawValue])
    ownBase = Int(words[Word.ownBase.rawValue])
    base = Int(words[Word.base.rawValue])
    features = Int(words[Word.features.rawValue])
    starts = words.baseAddress! + Word.count.rawValue
    labels = UnsafeRawPointer(starts + rows + 1).assumingMemoryBound(to: Float.self)
    indices = UnsafeRawPointer(labels + rows).assumingMemoryBound(to: Int32.self)
    values = UnsafeRawPointer(indices + entries).assumingMemoryBound(to: Float.self)
  }

  /// Takes an image from a file if it is whole, of this version, and of this source.
  private convenience init?(_ path: String, _ store: ByteStore, _ stamp: FileStamp) {
    let words = store.bytes.assumingMemoryBound(to: Int64.self)
    guard store.bytes.count >= Word.count.rawValue * 8 else { return nil }
    func word(_ word: Word) -> Int64 { words[word.rawValue] }
    guard word(.magic) == Self.magic, word(.version) == Self.version,
      word(.sourceSize) == stamp.size, word(.sourceModified) == stamp.modified,
      (0...1).contains(word(.ownBase)), (0...word(.ownBase)).contains(word(.base)),
      (0...Int64(Int32.max)).contains(word(.features)),
      Self.size(rows: Int(word(.rows)), entries: Int(word(.entries))) == store.bytes.count,
      word(.checksum) == Self.sum(store.bytes)
    else { return nil }
    self.init(path, store)
    guard isConsistent else { return nil }
  }

  /// Whether every row lies within the entries and every index within the features: a sum can be
  /// right for wrong numbers.
  private var isConsistent: Bool {
    guard starts[0] == 0, Int(starts[rows]) == entries else { return false }
    for row in 0..<rows where starts[row] > starts[row + 1] { return false }
    let bound = UInt32(features)
    return UnsafeBufferPointer(start: indices, count: entries).allSatisfy {
      UInt32(bitPattern: $0) < bound
    }
  }
}
