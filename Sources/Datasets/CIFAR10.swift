// CIFAR-10 (Krizhevsky: Learning multiple layers of features from tiny images, 2009) in its binary
// form: records of 3,073 bytes, a label from 0 to 9 and then 32 x 32 pixels, all red ones, all green
// ones, all blue ones. Files are mapped, and so in memory once for all ranks of a node.

import Basics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Opens CIFAR-10's binary files.
enum CIFAR10 {
  /// The catalogue's entry.
  static let format = DatasetFormat(
    summary: "CIFAR-10's binary files: data_batch_*.bin or train*.bin, and test*.bin",
    argument: "FOLDER",
    settings: [
      Setting("augment", default: "true", help: "crop (margin of 4) and mirror training pictures"),
      Setting("normalise", default: "true", help: "each channel to mean 0, deviation 1"),
    ]
  ) { try open($0!, $1) }

  private static let side = 32, channels = 3, classes = 10, margin = 4
  private static let recordSize = 1 + channels * side * side

  /// Of the training pictures' channels, as bytes / 255: the constants in general use.
  private static let means: [Float] = [0.4914, 0.4822, 0.4465]
  private static let deviations: [Float] = [0.2470, 0.2435, 0.2616]

  /// Opens a folder, or files separated by commas: those whose names begin with `data_batch_` or
  /// `train` are trained on, those that begin with `test` are held out, each in the order of names.
  ///
  /// Training pictures are augmented as in torchvision: the bytes are padded with black, cut and
  /// mirrored, and then normalised, so a margin is not 0 but what black becomes.
  static func open(_ argument: String, _ settings: Settings) throws -> DatasetPair {
    let isAugmented = try settings.bool("augment"), isNormalised = try settings.bool("normalise")
    let paths = try files(argument)
    let tables = (0..<channels).map { channel in
      (0..<256).map { byte in
        let value = Float(byte) / 255
        return isNormalised ? (value - means[channel]) / deviations[channel] : value
      }
    }
    func half(_ paths: [String], margin: Int?) throws(DataError) -> PlanarImages {
      var files: [PlanarImages.RecordFile] = []
      for path in paths { files.append(try records(path)) }
      guard files.reduce(0, { $0 + $1.count }) <= mostSamples else {
        throw DataError(path: paths[0], problem: tooMany("pictures"))
      }
      return PlanarImages(files, side: side, classes: classes, tables: tables, margin: margin)
    }
    return DatasetPair(
      training: try half(paths.training, margin: isAugmented ? margin : nil),
      heldOut: try half(paths.heldOut, margin: nil))
  }

  private static func files(
    _ argument: String
  ) throws -> (training: [String], heldOut: [String]) {
    let isFolder = isFolder(argument)
    let paths = isFolder ? try contents(argument) : argument.split(separator: ",").map(String.init)
    var training: [String] = [], heldOut: [String] = []
    func name(_ path: String) -> String { FilePath(path).lastComponent?.string ?? "" }
    for path in paths.sorted(by: { name($0) < name($1) }) {
      if name(path).hasPrefix("data_batch_") || name(path).hasPrefix("train") {
        training.append(path)
      } else if name(path).hasPrefix("test") {
        heldOut.append(path)
      } else if !isFolder {
        throw DataError(
          path: path,
          problem: access(path, F_OK) == 0
            ? "the file's name begins with none of data_batch_, train, test"
            : "no such folder or file")
      }
    }
    guard !training.isEmpty, !heldOut.isEmpty else {
      throw DataError(
        path: argument,
        problem: training.isEmpty
          ? "no data_batch_*.bin and no train*.bin here" : "no test*.bin here")
    }
    return (training, heldOut)
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The `.bin` files of a folder.
  private static func contents(_ folder: String) throws(DataError) -> [String] {
    guard let listing = opendir(folder) else {
      throw DataError(
        path: folder, problem: "cannot be read: \(Errno(rawValue: errno))", isInputOutput: true)
    }
    defer { closedir(listing) }
    var paths: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".bin") { paths.append(FilePath(folder).appending(name).string) }
    }
    return paths
  }

  /// Maps one file and looks at every label.
  private static func records(_ path: String) throws(DataError) -> PlanarImages.RecordFile {
    let file = PlanarImages.RecordFile(store: try ByteStore(mapping: path), size: recordSize)
    let size = file.store.bytes.count
    guard size > 0, size.isMultiple(of: recordSize) else {
      throw DataError(
        path: path,
        problem: "\(grouped(size)) bytes are no whole number of records of \(grouped(recordSize));"
          + " the last one breaks off behind byte \(grouped(file.count * recordSize))")
    }
    for index in 0..<file.count where file.record(index)[0] >= classes {
      throw DataError(
        path: path,
        problem: "label \(file.record(index)[0]) at byte \(grouped(index * recordSize)) where 0 to "
          + "\(classes - 1) is needed")
    }
    return file
  }
}
