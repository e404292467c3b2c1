import Kernels
import Testing

@Suite struct ChannelTests {
  static let extents = [
    (1, 1), (3, 5), (64, 16), (65, 32), (130, 33), (7, 48), (200, 70), (63, 64),
  ]

  private func close(_ a: [Double], _ b: [Double], _ tolerance: Double) -> Bool {
    zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
  }

  @Test(arguments: vectorSets) func moments(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(51)
    for (rows, channels) in Self.extents {
      let x = Guarded(rows * channels, &numbers), origin = Guarded(channels, &numbers)
      var found = [Double](repeating: 0.5, count: 2 * channels), expected = found
      for part in [0..<rows / 2, rows / 2..<rows] {
        table.channelMoments(
          rows: part.count, channels: channels, x: x.values + part.lowerBound * channels,
          origin: origin.values, sums: &found)
      }
      ScalarKernels.channelMoments(
        rows: rows, channels: channels, x: x.values, origin: origin.values, sums: &expected)
      #expect(close(found, expected, 2e-6 * Double(rows + 8)), "\(rows) x \(channels)")
    }
  }

  @Test(arguments: vectorSets) func affineAndItsGradient(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(52)
    for (rows, channels) in Self.extents {
      let count = rows * channels
      let x = Guarded(count, &numbers), second = Guarded(count, &numbers)
      let scale = Guarded(channels, &numbers), offset = Guarded(channels, &numbers)
      for (relu, adds) in [(false, false), (true, false), (false, true), (true, true)] {
        let what = "\(rows) x \(channels), relu \(relu), sum \(adds)"
        let (y, expected) = (Guarded(count), Guarded(count))
        for (kernels, y) in [(table, y), (ScalarKernels.self as KernelTable, expected)] {
          kernels.channelAffine(
            rows: rows, channels: channels, x: x.values, scale: scale.values,
            offset: offset.values, second: adds ? second.values : nil, relu: relu, y: y.out)
        }
        #expect(distance(y, expected) < 1e-6 && y.intact, "\(what)")
        let dy = Guarded(count, &numbers), dyExpected = Guarded(count)
        for i in 0..<count { dyExpected[i] = dy[i] }
        var sums = [Double](repeating: 0, count: 2 * channels), sumsExpected = sums
        table.channelGradientSums(
          rows: rows, channels: channels, x: x.values, scale: scale.values, offset: offset.values,
          y: adds ? y.values : nil, relu: relu, origin: offset.values, dy: dy.out, sums: &sums)
        // Both look at the same outputs: one that is 0 but for rounding opens or closes for both.
        ScalarKernels.channelGradientSums(
          rows: rows, channels: channels, x: x.values, scale: scale.values, offset: offset.values,
          y: adds ? y.values : nil, relu: relu, origin: offset.values, dy: dyExpected.out,
          sums: &sumsExpected)
        #expect(distance(dy, dyExpected) == 0 && dy.intact, "\(what)")
        #expect(close(sums, sumsExpected, 2e-6 * Double(rows + 8)), "\(what)")
      }
    }
  }

  @Test(arguments: vectorSets) func combinations(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(53)
    for (rows, channels) in Self.extents {
      let count = rows * channels
      let x = Guarded(count, &numbers), dy = Guarded(count, &numbers)
      let a = Guarded(channels, &numbers), b = Guarded(channels, &numbers)
      let c = Guarded(channels, &numbers)
      let (dx, expected) = (Guarded(count), Guarded(count))
      for add in [false, true] {
        for (kernels, dx) in [(table, dx), (ScalarKernels.self as KernelTable, expected)] {
          kernels.channelCombine(
            rows: rows, channels: channels, dy: dy.values, x: x.values, a: a.values, b: b.values,
            offset: c.values, add: add, dx: dx.out)
        }
        #expect(distance(dx, expected) < 2e-6 && dx.intact, "\(rows) x \(channels)")
      }
    }
  }

  @Test(arguments: vectorSets) func means(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(54)
    for (rows, channels) in Self.extents {
      let x = Guarded(3 * rows * channels, &numbers)
      let (y, expected) = (Guarded(3 * channels), Guarded(3 * channels))
      let (dx, dxExpected) = (Guarded(x.count), Guarded(x.count))
      for (kernels, y, dx) in [
        (table, y, dx), (ScalarKernels.self as KernelTable, expected, dxExpected),
      ] {
        kernels.meanRows(images: 3, rows: rows, channels: channels, x: x.values, y: y.out)
        for add in [false, true] {
          kernels.meanRowsBackward(
            images: 3, rows: rows, channels: channels, dy: y.values, add: add, dx: dx.out)
        }
      }
      #expect(distance(y, expected) < 1e-6 && y.intact, "\(rows) x \(channels)")
      #expect(distance(dx, dxExpected) < 1e-6 && dx.intact, "\(rows) x \(channels)")
    }
  }
}
