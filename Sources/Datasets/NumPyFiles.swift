// Arrays that NumPy saved: pairs of .npy files, or the arrays of one .npz archive. Integers as targets
// are classes, floats are numbers.

import Basics

/// Opens NumPy's files.
enum NumPyFiles {
  private static let settings = [
    Setting("channels", default: "last", help: "where images have their channels: last or first"),
    Setting(
      "scale", default: "auto", help: "inputs are multiplied with it; auto: bytes with 1/255"),
    HeldOutSplit.setting,
  ]

  /// The catalogue's entry for files of one array.
  static let arrays = DatasetFormat(
    summary: "NumPy arrays, (samples, ...) and their targets",
    argument: "INPUTS,TARGETS[,INPUTS,TARGETS]", settings: settings
  ) { argument, settings in
    let form = "npy:INPUTS,TARGETS[,INPUTS,TARGETS]"
    let paths = try filePaths(argument!, counts: 2...4, form: form)
    guard paths.count != 3 else {
      throw SettingError(setting: "data", value: argument!, allowed: form)
    }
    return try open(
      try paths.map { try NumericArray(BinaryFile(path: $0)) }, settings)
  }

  /// The catalogue's entry for archives.
  static let archive = DatasetFormat(
    summary: "a NumPy archive of x_train, y_train, x_test, y_test, or of x, y", argument: "FILE",
    settings: settings
  ) { path, settings in
    let archive = try ZipArchive(path: path!)
    let names = archive.members.map(\.name)
    // NumPy appends `.npy`, other writers do not.
    let known = [["x_train", "y_train", "x_test", "y_test"], ["x", "y"]].flatMap { list in
      [list.map { $0 + ".npy" }, list]
    }
    guard let wanted = known.first(where: { $0.allSatisfy(names.contains) }) else {
      throw DataError(
        path: path!,
        problem: "holds \(printable(names.joined(separator: ", ").utf8, most: 200)) where x_train, "
          + "y_train, x_test, y_test or x, y are needed")
    }
    return try open(
      try wanted.map { name in
        let member = archive.members.first { $0.name == name }!
        return try NumericArray(archive.contents(of: member))
      }, settings)
  }

  /// One half's arrays, found to fit each other.
  private struct Half {
    let inputs: NumericArray
    let kind: TargetKind
    let targets: [Int32]
    /// Above all classes.
    let classes: Int

    init(_ inputs: NumericArray, _ targets: NumericArray, scale: Float) throws(DataError) {
      let (shape, count) = (inputs.shape, inputs.shape.first ?? 0)
      guard (2...4).contains(shape.count) else {
        throw DataError(
          path: inputs.path,
          problem: "an array of \(text(shape)); (samples, features), (samples, height, width) or "
            + "(samples, height, width, channels) is needed")
      }
      guard targets.shape == [count] || targets.shape == [count, 1] else {
        throw DataError(
          path: targets.path,
          problem: "an array of \(text(targets.shape)) where one target for each of "
            + "\(grouped(count)) samples is needed")
      }
      guard count <= mostSamples else {
        throw DataError(path: inputs.path, problem: tooMany())
      }
      try inputs.requireFinite(scale: scale)
      self.inputs = inputs
      kind = targets.type.isFloat ? .numbers : .classes
      if kind == .numbers {
        try targets.requireFinite()
        var numbers = [Float](repeating: 0, count: count)
        targets.copyFloats(from: 0, count: count, to: &numbers)
        (self.targets, classes) = (numbers.map(\.target), 1)
      } else {
        let numbers = targets.wholeNumbers()
        if let wrong = numbers.firstIndex(where: { !(0..<Int64(mostClasses)).contains($0) }) {
          throw targets.failure(
            atElement: wrong,
            "class \(numbers[wrong]); classes are 0 to \(grouped(mostClasses - 1)) at most "
              + "(targets that are numbers are saved as floats)")
        }
        (self.targets, classes) = (numbers.map { Int32($0) }, Int(numbers.max()!) + 1)
      }
    }
  }

  private static func text(_ shape: [Int]) -> String {
    "(" + shape.map(String.init).joined(separator: ", ") + ")"
  }

  /// Makes both halves of inputs and targets, or of two of each.
  private static func open(_ arrays: [NumericArray], _ settings: Settings) throws -> DatasetPair {
    let channels = try settings.choice("channels", of: ["last", "first"])
    let fraction = try HeldOutSplit.fraction(settings, files: arrays.count / 2)
    let scale: Float
    if settings.string("scale") == "auto" {
      scale = arrays[0].type == .u1 ? 1 / 255 : 1
    } else {
      scale = try settings.float("scale")
    }
    var halves: [Half] = []
    for first in stride(from: 0, to: arrays.count, by: 2) {
      halves.append(try Half(arrays[first], arrays[first + 1], scale: scale))
    }
    let (training, heldOut) = (halves[0], halves[halves.count - 1])
    guard training.inputs.shape.dropFirst() == heldOut.inputs.shape.dropFirst(),
      training.kind == heldOut.kind, training.inputs.type == heldOut.inputs.type
    else {
      func text(_ half: Half) -> String {
        "\(half.inputs.type) \(Self.text(half.inputs.shape)) with \(half.kind)"
      }
      throw DataError(
        path: heldOut.inputs.path,
        problem: "\(text(heldOut)) where training has \(text(training))")
    }
    let classes =
      training.kind == .numbers ? 1 : max(2, training.classes, heldOut.classes)
    func samples(_ half: Half) -> ArraySamples {
      ArraySamples(
        half.inputs, targets: half.targets, kind: half.kind, classes: classes, scale: scale,
        channelsFirst: channels == "first")
    }
    guard halves.count == 1 else {
      return DatasetPair(training: samples(training), heldOut: samples(heldOut))
    }
    return try HeldOutSplit(
      count: training.targets.count, fraction: fraction, path: training.inputs.path
    ).halves(of: samples(training))
  }
}
