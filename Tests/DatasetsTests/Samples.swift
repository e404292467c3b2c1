// What the tests of formats share: all samples of a data set as plain arrays, and damaged files.

import Basics
import Datasets
import Foundation
import Kernels
import Testing

/// Every sample of a half, in order.
struct Samples {
  /// (samples, entries): floats, or indices as floats; sparse rows are written out.
  var inputs: [[Float]] = []
  /// (samples, targets per sample).
  var targets: [[Int32]] = []

  /// The targets of a regression data set.
  var numbers: [Float] { targets.flatMap { $0 }.map { Float(target: $0) } }
  /// The targets of a classification data set.
  var classes: [Int] { targets.flatMap { $0 }.map(Int.init) }

  init(of data: any Dataset, context: ReadContext = ReadContext()) {
    self.init(of: data, Array(0..<Int32(data.count)), context: context)
  }

  init(of data: any Dataset, _ indices: [Int32], context: ReadContext = ReadContext()) {
    let size = data.sampleShape.bytesPerSample, width = data.targetsPerSample
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, indices.count * size), alignment: 64)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0xA5, count: indices.count * size)
    var found = [Int32](repeating: -77, count: indices.count * width)
    indices.withUnsafeBufferPointer {
      data.read(
        $0, inputs: memory, targets: &found, context: context, kernels: KernelSelection.best)
    }
    for place in indices.indices {
      targets.append(Array(found[place * width..<(place + 1) * width]))
      inputs.append(Self.entries(memory + place * size, data.sampleShape))
    }
  }

  private static func entries(_ sample: UnsafeRawPointer, _ shape: Shape) -> [Float] {
    switch shape.element {
    case .float:
      return (0..<shape.count).map { sample.load(fromByteOffset: 4 * $0, as: Float.self) }
    case .index:
      return (0..<shape.count).map { Float(sample.load(fromByteOffset: 4 * $0, as: Int32.self)) }
    case .sparse:
      let row = sample.load(as: SparseRow.self)
      var entries = [Float](repeating: 0, count: shape.count)
      for entry in 0..<row.count { entries[Int(row.indices[entry])] = row.values[entry] }
      return entries
    }
  }
}

/// The error of opening something that is not right, without the folder's name.
func problem(
  _ specification: String, _ settings: [String: String] = [:], in folder: TemporaryFolder,
  _ location: SourceLocation = #_sourceLocation
) throws -> String {
  let error = try #require(throws: DataError.self, sourceLocation: location) {
    try openDataset(specification, settings: settings)
  }
  #expect(!error.description.contains { $0.isNewline }, sourceLocation: location)
  return error.description.replacing(folder.path, with: "F")
}

/// Whatever bytes a file holds, a parser opens it, with all of its samples in order, or says in one
/// line what is wrong.
///
/// - Parameters:
///   - pieces: what the format's text or headers are made of; some of the damage inserts them.
///   - specification: what opens a file of the given path.
func damage(
  _ good: [UInt8], name: String, pieces: [[UInt8]], trials: Int = 200,
  settings: [String: String] = [:], specification: (String) -> String
) throws {
  let folder = try TemporaryFolder()
  var refused = 0
  for trial in 0..<trials {
    let bytes = damaged(good, trial: trial, pieces: pieces)
    // Names of their own: files may be kept beside their sources.
    let path = try folder.write("\(trial)-\(name)", bytes)
    do {
      let pair = try openDataset(specification(path), settings: settings)
      for half in [pair.training, pair.heldOut] { check(half, "trial \(trial)") }
    } catch let error as DataError {
      refused += 1
      #expect(!error.description.contains { $0.isNewline }, "trial \(trial): \(error)")
      #expect(error.description.utf8.count < 1000, "trial \(trial): \(error)")
    }
  }
  #expect(refused > 0, "no damage was found")
}

/// Whether what a data set hands out is within what it declares.
private func check(_ data: any Dataset, _ name: String) {
  #expect(data.count > 0, "\(name)")
  guard data.sampleShape.count <= 1 << 20 else { return }
  let last = Int32(data.count - 1)
  let samples = Samples(of: data, data.count <= 200 ? Array(0...last) : [0, last / 2, last])
  if data.targets == .classes {
    #expect(samples.classes.allSatisfy { (0..<data.classes).contains($0) }, "\(name)")
  } else {
    #expect(samples.numbers.allSatisfy { $0.isFinite }, "\(name)")
  }
  let counts = data.indexCounts
  for sample in samples.inputs {
    if data.sampleShape.element == .index {
      for (column, index) in sample.enumerated() {
        #expect(index >= 0 && Int(index) < counts[counts.count == 1 ? 0 : column], "\(name)")
      }
    } else {
      #expect(sample.allSatisfy { $0.isFinite }, "\(name)")
    }
  }
}

/// Damage number `trial`: bytes flipped, replaced, removed, doubled, or pieces put in.
private func damaged(_ good: [UInt8], trial: Int, pieces: [[UInt8]]) -> [UInt8] {
  let random = CounterRandom(seed: 1, stream: .test, substream: UInt64(trial))
  var bytes = good, counter: UInt64 = 0
  func draw(_ bound: Int) -> Int {
    counter += 1
    return random.index(counter, below: bound)
  }
  for _ in 0...draw(3) {
    let place = draw(bytes.count + 1), length = min(1 + draw(8), bytes.count - place)
    switch draw(7) {
    case 0: if length > 0 { bytes[place] ^= 1 << UInt8(draw(8)) }
    case 1: if length > 0 { bytes[place] = UInt8(draw(256)) }
    case 2: bytes.removeSubrange(place..<place + length)
    case 3: bytes.insert(contentsOf: bytes[place..<place + length], at: draw(bytes.count + 1))
    case 4: bytes.removeSubrange(place...)
    case 5:
      let piece = pieces[draw(pieces.count)]
      bytes.replaceSubrange(place..<min(place + piece.count, bytes.count), with: piece)
    default: bytes.insert(contentsOf: pieces[draw(pieces.count)], at: place)
    }
  }
  return bytes
}

extension TemporaryFolder {
  /// Writes text and returns the file's path.
  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }
}
