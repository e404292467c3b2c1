import Basics
import Kernels
import Testing

@testable import Datasets

@Suite struct IDXFolderTests {
  @Test(arguments: ["plain", "gzip", "dots", "dots and gzip", "mixed"])
  func readsEveryUsualName(form: String) throws {
    let folder = try TemporaryFolder()
    try SmallSet().write(to: folder) { name in
      let dotted = name.replacing("-idx", with: ".idx")
      return switch form {
      case "gzip": name + ".gz"
      case "dots": dotted
      case "dots and gzip": dotted + ".gz"
      case "mixed": name.hasPrefix("train") ? name : name + ".gz"
      default: name
      }
    }
    let pair = try openDataset("idx:" + folder.path)
    #expect(pair.training.count == 7 && pair.heldOut.count == 4)
    #expect(pair.training.classes == 3 && pair.heldOut.classes == 3)
    #expect(pair.training.sampleShape == Shape([2, 3, 1]))
    #expect(pair.training.targetsPerSample == 1)

    let inputs = FloatBuffer(count: 18)
    var targets: [Int32] = [9, 9, 9]
    let indices: [Int32] = [6, 0, 2]
    indices.withUnsafeBufferPointer {
      pair.training.read(
        $0, inputs: inputs.pointer, targets: &targets, context: ReadContext(),
        kernels: KernelSelection.best)
    }
    #expect(targets == [0, 0, 2])
    let bytes = [36, 37, 38, 39, 40, 41, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17]
    for (value, byte) in zip(inputs.values, bytes) {
      #expect(abs(value - Float(byte) / 255) <= (Float(byte) / 255).ulp)
    }
  }

  @Test func plainFilesWinOverCompressedOnes() throws {
    let folder = try TemporaryFolder()
    try SmallSet(training: 5).write(to: folder)
    try SmallSet(training: 9).write(to: folder) { $0 + ".gz" }
    #expect(try IDXFolder.open(folder.path).training.count == 5)
  }

  @Test func classesCountOverBothHalvesAndAreAtLeastTwo() throws {
    let folder = try TemporaryFolder()
    var set = SmallSet(classes: 1)
    try set.write(to: folder)
    #expect(try IDXFolder.open(folder.path).training.classes == 2)
    set.files["t10k-labels-idx1-ubyte"] = idx([4], [0, 6, 0, 0])
    try set.write(to: folder)
    let pair = try IDXFolder.open(folder.path)
    #expect(pair.training.classes == 7 && pair.heldOut.classes == 7)
    let error = #expect(throws: DataError.self) { try IDXFolder.open(folder.path, classes: 6) }
    #expect(error?.problem == "label 6 where labels must be below 6")
    #expect(error?.path == folder.path + "/t10k-labels-idx1-ubyte")
  }

  @Test func largeGzipFilesAreInflatedInPieces() throws {
    let folder = try TemporaryFolder()
    var set = SmallSet()
    let count = 50_000
    set.files["train-images-idx3-ubyte"] = idx(
      [count, 2, 3], (0..<count * 6).map { UInt8($0 * $0 >> 5 & 255) })
    set.files["train-labels-idx1-ubyte"] = idx([count], [UInt8](repeating: 1, count: count))
    try set.write(to: folder) { $0 + ".gz" }
    let images = try #require(try IDXFolder.open(folder.path).training as? ByteImages)
    for index in [0, 1, count / 2, count - 1] {
      #expect(
        Array(images.bytes(of: index))
          == (0..<6).map { p in
            let n = index * 6 + p
            return UInt8(n * n >> 5 & 255)
          })
    }
  }

  @Test func fashionMNISTIsFoundOrSaysWhatToInstall() throws {
    let folder = try TemporaryFolder()
    try SmallSet().write(to: folder)
    let pair = try FashionMNIST.open(named: folder.path, installed: "/nowhere")
    #expect(pair.training.count == 7 && pair.training.classes == 10)
    #expect(try FashionMNIST.open(named: nil, installed: folder.path).heldOut.count == 4)

    let error = try #require(throws: DataError.self) {
      try FashionMNIST.open(named: nil, installed: "/nowhere")
    }
    #expect(
      error.description == "/nowhere: no such folder; install the package dataset-fashion-mnist, "
        + "set FASHION_MNIST to a folder with the four files, or use --data generated")
    #expect(!error.isInputOutput)
  }

  /// Debian's Fashion-MNIST, where it is installed.
  @Test func fashionMNISTIsWhatItSays() throws {
    guard let pair = try? openDataset("fashion-mnist") else { return }
    #expect(pair.training.count == 60_000 && pair.heldOut.count == 10_000)
    #expect(pair.training.classes == 10)
    #expect(pair.training.sampleShape == Shape([28, 28, 1]))
    let images = try #require(pair.heldOut as? ByteImages)
    var counts = [Int](repeating: 0, count: 10)
    for index in 0..<images.count { counts[images.label(of: index)] += 1 }
    #expect(counts == [Int](repeating: 1000, count: 10))
  }
}
