import Basics
import Foundation
import Kernels
import Testing

@testable import Datasets

@Suite struct CIFAR10Tests {
  /// Byte of a pixel: differs among samples, channels, rows and columns.
  private static func byte(_ sample: Int, _ channel: Int, _ row: Int, _ column: Int) -> UInt8 {
    UInt8((sample * 7 + channel * 50 + row * 3 + column * 5) % 255 + 1)
  }

  /// Records of the samples `samples`, of class sample modulo 10.
  private static func records(_ samples: Range<Int>) -> [UInt8] {
    samples.flatMap { sample in
      [UInt8(sample % 10)]
        + (0..<3).flatMap { channel in
          (0..<32).flatMap { row in (0..<32).map { byte(sample, channel, row, $0) } }
        }
    }
  }

  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("data_batch_2.bin", Self.records(5..<9))
    try folder.write("data_batch_1.bin", Self.records(0..<5))
    try folder.write("test_batch.bin", Self.records(9..<12))
    try folder.write("batches.meta.txt", [1, 2, 3])
    try folder.write("readme.bin", [1])
    return folder
  }

  private static let plain = ["augment": "false", "normalise": "false"]

  /// The picture's place (row, column, channel) as a float.
  private func at(_ picture: [Float], _ row: Int, _ column: Int, _ channel: Int) -> Float {
    picture[(row * 32 + column) * 3 + channel]
  }

  @Test func planesBecomeChannels() throws {
    let folder = try folder()
    let pair = try openDataset("cifar10:" + folder.path, settings: Self.plain)
    #expect(pair.training.count == 9 && pair.heldOut.count == 3)
    #expect(pair.training.sampleShape == Shape([32, 32, 3]) && pair.training.classes == 10)
    let training = Samples(of: pair.training)
    #expect(training.classes == Array(0..<9))
    #expect(Samples(of: pair.heldOut).classes == [9, 0, 1])
    for (sample, picture) in training.inputs.enumerated() {
      for channel in 0..<3 {
        for (row, column) in [(0, 0), (0, 31), (17, 4), (31, 31)] {
          #expect(
            at(picture, row, column, channel)
              == Float(Self.byte(sample, channel, row, column)) / 255)
        }
      }
    }
  }

  @Test func normalisingTakesEachChannelsConstants() throws {
    let folder = try folder()
    let pair = try openDataset("cifar10:" + folder.path)
    let picture = Samples(of: pair.heldOut).inputs[0]
    for (channel, (mean, deviation)) in [
      (Float(0.4914), Float(0.2470)), (0.4822, 0.2435), (0.4465, 0.2616),
    ]
    .enumerated() {
      #expect(
        at(picture, 3, 8, channel)
          == (Float(Self.byte(9, channel, 3, 8)) / 255 - mean) / deviation)
    }
  }

  @Test func filesMayBeNamedOneByOne() throws {
    let folder = try TemporaryFolder()
    let test = try folder.write("test_0-2.bin", Self.records(0..<3))
    let training = try folder.write("train_0-4.bin", Self.records(0..<5))
    let pair = try openDataset("cifar10:\(test),\(training)")
    #expect(pair.training.count == 5 && pair.heldOut.count == 3)
    #expect(try openDataset("cifar10:" + folder.path).training.count == 5)
  }

  /// Every augmented picture is a window of the padded one, mirrored or not.
  @Test func windowsAreCutAndMirrored() throws {
    let folder = try folder()
    let pair = try openDataset("cifar10:" + folder.path, settings: ["normalise": "false"])
    var seen: Set<[Int]> = []
    for epoch in 0..<60 {
      let context = ReadContext(seed: 5, epoch: epoch)
      for (sample, picture) in Samples(of: pair.training, context: context).inputs.enumerated() {
        let window = CropAndFlip(of: sample, margin: 4, in: context)
        #expect(abs(window.top) <= 4 && abs(window.left) <= 4)
        seen.insert([window.top, window.left, window.isFlipped ? 1 : 0])
        for row in 0..<32 {
          for column in [0, 1, 13, 30, 31] {
            let from = (
              row: row + window.top,
              column: (window.isFlipped ? 31 - column : column) + window.left
            )
            let isInside = (0..<32).contains(from.row) && (0..<32).contains(from.column)
            let byte = isInside ? Self.byte(sample, 2, from.row, from.column) : 0
            #expect(at(picture, row, column, 2) == Float(byte) / 255)
          }
        }
      }
    }
    #expect(seen.count > 140, "\(seen.count) of 162 windows in 540 draws")
  }

  @Test func blackMarginsAreNormalised() throws {
    let folder = try folder()
    let training = try openDataset("cifar10:" + folder.path).training
    let shifted = try #require(
      (0..<50).first { CropAndFlip(of: 0, margin: 4, in: ReadContext(seed: 1, epoch: $0)).top < 0 })
    let picture = Samples(of: training, [0], context: ReadContext(seed: 1, epoch: shifted)).inputs[
      0]
    #expect(at(picture, 0, 16, 0) == (0 - Float(0.4914)) / 0.2470)
  }

  @Test func picturesDependOnSeedEpochAndNumberAlone() throws {
    let folder = try folder()
    let pair = try openDataset("cifar10:" + folder.path)
    let context = ReadContext(seed: 3, epoch: 2)
    let all = Samples(of: pair.training, context: context).inputs
    // Whoever reads it, with whatever else.
    #expect(Samples(of: pair.training, [7, 2], context: context).inputs == [all[7], all[2]])
    #expect(Samples(of: pair.training, context: ReadContext(seed: 3, epoch: 1)).inputs != all)
    #expect(Samples(of: pair.training, context: ReadContext(seed: 4, epoch: 2)).inputs != all)
    // Held-out data, and reading without a seed, show pictures as they are.
    let plain = try openDataset("cifar10:" + folder.path, settings: ["augment": "false"])
    #expect(
      Samples(of: pair.heldOut, context: context).inputs == Samples(of: plain.heldOut).inputs)
    #expect(Samples(of: pair.training).inputs == Samples(of: plain.training).inputs)
    #expect(
      Samples(of: plain.training, context: context).inputs == Samples(of: plain.training).inputs)
  }

  @Test func readersOfAnyNumberOfRanksSeeTheSamePictures() throws {
    let folder = try folder()
    let training = try openDataset("cifar10:" + folder.path).training
    func epoch(ranks: Int) -> [[Float]] {
      var pictures: [[Float]] = []
      let readers = (0..<ranks).map {
        BatchReader(
          training, globalBatch: 4, parts: ranks, mine: $0..<$0 + 1, seed: 9,
          kernels: KernelSelection.best)
      }
      for step in 0..<readers[0].cut.stepsPerEpoch {
        for reader in readers {
          let batch = reader.read(step: step, epoch: 3)
          let inputs = batch.inputs.assumingMemoryBound(to: Float.self)
          pictures += (0..<batch.count).map {
            Array(UnsafeBufferPointer(start: inputs + $0 * 3072, count: 3072))
          }
        }
      }
      return pictures
    }
    let alone = epoch(ranks: 1)
    #expect(alone.count == 9)
    for ranks in [2, 3] { #expect(epoch(ranks: ranks) == alone) }
  }

  @Test func wrongFilesAreNamed() throws {
    let folder = try TemporaryFolder()
    let specification = "cifar10:" + folder.path
    #expect(
      try problem("cifar10:/nowhere", in: folder) == "/nowhere: no such folder or file")
    #expect(
      try problem(specification, in: folder) == "F: no data_batch_*.bin and no train*.bin here")
    try folder.write("train.bin", Self.records(0..<2))
    #expect(try problem(specification, in: folder) == "F: no test*.bin here")
    try folder.write("test.bin", Array(Self.records(0..<2).dropLast()))
    #expect(
      try problem(specification, in: folder)
        == "F/test.bin: 6,145 bytes are no whole number of records of 3,073; the last one breaks off "
        + "behind byte 3,073")
    try folder.write("test.bin", [UInt8]())
    #expect(
      try problem(specification, in: folder)
        == "F/test.bin: 0 bytes are no whole number of records of 3,073; the last one breaks off "
        + "behind byte 0")
    var records = Self.records(0..<3)
    records[2 * 3073] = 10
    try folder.write("test.bin", records)
    #expect(
      try problem(specification, in: folder)
        == "F/test.bin: label 10 at byte 6,146 where 0 to 9 is needed")
    let other = try folder.write("other.bin", records)
    #expect(
      try problem("cifar10:" + other, in: folder)
        == "F/other.bin: the file's name begins with none of data_batch_, train, test")
    #expect(
      try problem("cifar10:\(folder.path)/train.bin,\(folder.path)/test9.bin", in: folder)
        == "F/test9.bin: cannot be read: No such file or directory")
  }

  @Test func anyDamageIsRefusedOrRead() throws {
    let folder = try TemporaryFolder()
    let test = try folder.write("test.bin", Self.records(0..<1))
    try damage(
      Self.records(0..<3), name: "train.bin", pieces: [[10], [255], Self.records(0..<1)], trials: 60
    ) { path in
      // The file's name tells what it is.
      let named = path.replacing(/[0-9]+-train/, with: "train")
      rename(path, named)
      return "cifar10:\(named),\(test)"
    }
  }
}
