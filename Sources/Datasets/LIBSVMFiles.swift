// Sparse samples in LIBSVM's text format: rows that point into the mapped index of their file, or,
// for models that take vectors only, the same written out with all its zeros.

import Basics
import Kernels

/// Opens one LIBSVM file, or a pair of them.
enum LIBSVMFiles {
  /// The catalogue's entry.
  static let format = DatasetFormat(
    summary: "sparse rows, LABEL INDEX:VALUE ...", argument: "TRAIN[,HELDOUT]",
    settings: [
      Setting("task", default: "classes", help: "what labels are: classes or numbers"),
      Setting("features", default: "", help: "number of features; else as the largest index needs"),
      Setting("dense", default: "false", help: "samples with all their zeros, for any model"),
      HeldOutSplit.setting,
    ]
  ) { try open($0!, $1) }

  /// Opens `TRAIN` or `TRAIN,HELDOUT`; of a single file a share is held out.
  ///
  /// Indices count from 1; if a 0 occurs in one of the files, from 0 in both. Labels that are classes
  /// are whole numbers, such as -1 and +1, that become 0, 1, ... in ascending order over both files.
  ///
  /// - Throws: `DataError` for files, `SettingError` for settings.
  static func open(_ argument: String, _ settings: Settings) throws -> DatasetPair {
    let paths = try filePaths(argument, counts: 1...2, form: "libsvm:TRAIN[,HELDOUT]")
    let kind = try targetKind(settings)
    let isDense = try settings.bool("dense")
    let limit =
      settings.string("features").isEmpty
      ? nil : try settings.int("features", .from(1, to: Double(Int32.max)))
    let fraction = try HeldOutSplit.fraction(settings, files: paths.count)
    var files: [SparseMatrixFile] = []
    for path in paths { files.append(try SparseMatrixFile.open(path)) }
    let base = files.map(\.ownBase).min()
    for place in files.indices where files[place].base != base {
      files[place] = try SparseMatrixFile.open(paths[place], base: base)
    }
    let features = limit ?? max(1, files.map(\.features).max() ?? 1)
    for file in files where file.features > features {
      let row = (0..<file.rows).first { row in
        let entries = file.row(row)
        return entries.count > 0 && Int(entries.indices[entries.count - 1]) >= features
      }
      throw file.failure(
        atRow: row ?? 0,
        "an index beyond features=\(features); the file needs \(file.features)")
    }
    guard !isDense || features <= mostDense else {
      throw DataError(
        path: paths[0],
        problem:
          "\(grouped(features)) features; with dense=true at most \(grouped(mostDense)) can be")
    }
    let targets = try kind == .classes ? classes(files) : numbers(files)
    let shape = Shape([features], element: isDense ? .float : .sparse)
    let halves = zip(files, targets.values).map { file, values in
      SparseSamples(
        file, targets: values, kind: kind, classes: targets.classes, coding: targets.coding,
        shape: shape)
    }
    guard halves.count == 1 else {
      return DatasetPair(training: halves[0], heldOut: halves[1])
    }
    return try HeldOutSplit(count: files[0].rows, fraction: fraction, path: paths[0])
      .halves(of: halves[0])
  }

  /// Most features whose zeros are written out.
  private static let mostDense = 1 << 24

  /// Labels as classes in ascending order.
  private static func classes(
    _ files: [SparseMatrixFile]
  ) throws(DataError) -> (values: [[Int32]], classes: Int, coding: DataCoding) {
    var known: Set<Float> = []
    for file in files {
      var previous = Float.nan
      for row in 0..<file.rows where file.labels[row] != previous {
        previous = file.labels[row]
        guard previous.rounded() == previous, abs(previous) <= 0x1p24 else {
          throw file.failure(
            atRow: row,
            "the label \(previous) is no class (a whole number of at most 16,777,216); "
              + "--set task=numbers takes labels as numbers")
        }
        known.insert(previous)
      }
    }
    try requireFewClasses(known.count, path: files[0].path)
    let labels = known.sorted()
    let places = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, Int32($0)) })
    let values = files.map { file in (0..<file.rows).map { places[file.labels[$0]]! } }
    return (
      values, max(2, known.count),
      DataCoding([Numbering(Numbering.classes, labels.map { "\(Int($0))" })])
    )
  }

  private static func numbers(
    _ files: [SparseMatrixFile]
  ) -> (values: [[Int32]], classes: Int, coding: DataCoding) {
    (files.map { file in (0..<file.rows).map { file.labels[$0].target } }, 1, DataCoding())
  }
}

/// Rows of a sparse matrix, each with a target.
final class SparseSamples: Dataset, @unchecked Sendable {
  let count: Int
  let sampleShape: Shape
  let classes: Int
  let targets: TargetKind
  let coding: DataCoding
  var targetsPerSample: Int { 1 }

  private let file: SparseMatrixFile
  private let values: [Int32]

  /// All rows of `file`, each with its target.
  init(
    _ file: SparseMatrixFile, targets values: [Int32], kind: TargetKind, classes: Int,
    coding: DataCoding, shape: Shape
  ) {
    (self.file, self.values, self.coding) = (file, values, coding)
    (count, self.classes, sampleShape, targets) = (file.rows, classes, shape, kind)
  }

  /// Classes take the numbers that they have in the other data.
  func recoded(in coding: DataCoding) -> (any Dataset)? {
    guard coding.standardisation == nil, let places = coding.places(ofClassesOf: self.coding) else {
      return nil
    }
    return SparseSamples(
      file, targets: targets == .classes ? values.map { places[Int($0)] } : values, kind: targets,
      classes: max(classes, coding.classes?.count ?? 0), coding: coding, shape: sampleShape)
  }

  /// Points at the entries, or writes them among zeros. Cost: 24 bytes a sample, or all features.
  func read(
    _ indices: UnsafeBufferPointer<Int32>, inputs: UnsafeMutableRawPointer,
    targets: UnsafeMutablePointer<Int32>, context: ReadContext, kernels: KernelTable
  ) {
    let features = sampleShape.count
    for (place, index) in indices.enumerated() {
      let row = Int(index)
      let entries = file.row(row)
      targets[place] = values[row]
      if sampleShape.element == .sparse {
        inputs.assumingMemoryBound(to: SparseRow.self)[place] = entries
      } else {
        let sample = inputs.assumingMemoryBound(to: Float.self) + place * features
        sample.update(repeating: 0, count: features)
        for entry in 0..<entries.count {
          sample[Int(entries.indices[entry])] = entries.values[entry]
        }
      }
    }
  }
}
