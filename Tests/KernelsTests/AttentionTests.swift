import Foundation
import Kernels
import Testing

@Suite struct AttentionTests {
  private struct Result {
    let y, logSums, dqkv: Guarded
  }

  /// Both passes.
  private func run(
    _ table: KernelTable, _ shape: AttentionShape, _ qkv: Guarded, _ dy: Guarded, sample: Int = 0
  ) -> Result {
    let (qkv, dy) = (
      qkv.values + 3 * sample * shape.count, dy.values + sample * shape.count
    )
    let result = Result(
      y: Guarded(shape.count), logSums: Guarded(shape.rowCount), dqkv: Guarded(3 * shape.count))
    let scratch = Guarded(table.attentionScratch(shape))
    table.attentionForward(
      shape, qkv: qkv, y: result.y.out, logSums: result.logSums.out, scratch: scratch.out)
    table.attentionBackward(
      shape, qkv: qkv, y: result.y.values, logSums: result.logSums.values, dy: dy,
      dqkv: result.dqkv.out, scratch: scratch.out)
    #expect(result.y.intact && result.logSums.intact && result.dqkv.intact && scratch.intact)
    return result
  }

  /// Forward 2e-6, backward 1e-5 of the larger of 1 and the expected magnitude.
  @Test(arguments: vectorSets, [true, false])
  func matchesTheReference(_ set: InstructionSet, _ causal: Bool) throws {
    let table = try kernels(set)
    var numbers = Numbers(91)
    for (samples, length, heads, headWidth) in [
      (1, 1, 1, 1), (2, 1, 3, 5), (2, 7, 2, 16), (1, 16, 1, 3), (2, 17, 1, 20), (1, 33, 4, 32),
      (2, 64, 2, 32), (1, 65, 1, 40), (1, 100, 3, 8), (1, 130, 1, 64), (1, 200, 2, 17),
      (0, 5, 2, 4),
    ] {
      let shape = AttentionShape(
        samples: samples, length: length, heads: heads, headWidth: headWidth, causal: causal)
      let (qkv, dy) = (Guarded(3 * shape.count, &numbers), Guarded(shape.count, &numbers))
      for i in 0..<qkv.count { qkv[i] *= 2 }
      let result = run(table, shape, qkv, dy)
      let expected = run(ScalarKernels.self, shape, qkv, dy)
      #expect(distance(result.y, expected.y) < 2e-6, "\(shape)")
      #expect(distance(result.logSums, expected.logSums) < 2e-6, "\(shape)")
      #expect(distance(result.dqkv, expected.dqkv) < 1e-5, "\(shape)")
      let again = run(table, shape, qkv, dy)
      #expect(identical(result.y, again.y) && identical(result.dqkv, again.dqkv), "\(shape)")
    }
  }

  @Test(arguments: vectorSets) func samplesAreIndependent(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(92)
    let all = AttentionShape(samples: 3, length: 39, heads: 2, headWidth: 24, causal: true)
    var one = all
    one.samples = 1
    let (qkv, dy) = (Guarded(3 * all.count, &numbers), Guarded(all.count, &numbers))
    let whole = run(table, all, qkv, dy)
    let second = run(table, one, qkv, dy, sample: 1)
    #expect((0..<one.count).allSatisfy { whole.y[one.count + $0] == second.y[$0] })
    #expect((0..<3 * one.count).allSatisfy { whole.dqkv[3 * one.count + $0] == second.dqkv[$0] })
  }

  /// Whatever comes later leaves earlier tokens alone, and gets no gradient from them.
  @Test(arguments: vectorSets) func theFutureIsHidden(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(93)
    let shape = AttentionShape(samples: 1, length: 90, heads: 1, headWidth: 32, causal: true)
    let (qkv, dy) = (Guarded(3 * shape.count, &numbers), Guarded(shape.count, &numbers))
    for known in [1, 15, 16, 31, 64, 70] {
      let (changed, gradient) = (qkv.copy(), dy.copy())
      for i in 3 * known * 32..<changed.count { changed[i] = 50 * changed[i] + 3 }
      for i in known * 32..<gradient.count { gradient[i] = 0 }
      let (before, after) = (
        run(table, shape, qkv, dy),
        run(table, shape, changed, gradient)
      )
      #expect((0..<known * 32).allSatisfy { before.y[$0] == after.y[$0] })
      #expect((3 * known * 32..<qkv.count).allSatisfy { after.dqkv[$0] == 0 })
    }
  }

  /// Scores of hundreds: the softmax picks one key, and nothing overflows.
  @Test(arguments: KernelSelection.available) func largeScoresAreHarmless(_ set: InstructionSet)
    throws
  {
    let shape = AttentionShape(samples: 1, length: 150, heads: 1, headWidth: 4, causal: false)
    let qkv = Guarded(3 * shape.count, filledWith: 0)
    for token in 0..<150 {
      qkv[12 * token] = 1000
      qkv[12 * token + 4] = Float(token == 140 ? 1 : -1)  // Found in the last block of keys.
      qkv[12 * token + 8] = Float(token)
    }
    let result = run(
      try kernels(set), shape, qkv, Guarded(shape.count, filledWith: 1))
    for token in 0..<150 {
      #expect(abs(result.y[4 * token] - 140) < 1e-4)
      #expect(abs(result.logSums[token] - 500) < 1e-3)
    }
    #expect(abs(result.dqkv[12 * 140 + 8] - 150) < 0.02)
    #expect((0..<result.dqkv.count).allSatisfy { result.dqkv[$0].isFinite })
  }

  @Test(arguments: KernelSelection.available) func notANumberShows(_ set: InstructionSet) throws {
    let shape = AttentionShape(samples: 2, length: 20, heads: 1, headWidth: 8, causal: true)
    var numbers = Numbers(94)
    let qkv = Guarded(3 * shape.count, &numbers)
    qkv[3 * 8 * 5 + 8] = .nan  // Key 5 of the first sample.
    let result = run(try kernels(set), shape, qkv, Guarded(shape.count, &numbers))
    for i in 0..<result.y.count {
      let isHit = i / 8 >= 5 && i / 8 < 20
      #expect(result.y[i].isNaN == isHit)
    }
    for i in 0..<result.logSums.count {
      #expect(result.logSums[i].isNaN == (5..<20).contains(i))
    }
  }

  /// Attention once more, in doubles; the reference's gradient against its differences: 2e-6.
  @Test(arguments: [true, false]) func referenceMatchesDifferences(_ causal: Bool) {
    let shape = AttentionShape(samples: 2, length: 4, heads: 2, headWidth: 3, causal: causal)
    var numbers = Numbers(95)
    let (qkv, dy) = (Guarded(3 * shape.count, &numbers), Guarded(shape.count, &numbers))
    let width = shape.width
    func y(_ qkv: [Double]) -> [Double] {
      (0..<shape.count).map { i in
        let (token, feature) = (i / width, i % width)
        let (sample, head) = (token / shape.length, feature / shape.headWidth)
        func value(_ token: Int, _ third: Int, _ j: Int) -> Double {
          qkv[(3 * token + third) * width + j]
        }
        let first = sample * shape.length
        let keys = first..<(causal ? token + 1 : first + shape.length)
        let powers = keys.map { key in
          let features = head * shape.headWidth..<(head + 1) * shape.headWidth
          let score = features.reduce(0.0) { $0 + value(token, 0, $1) * value(key, 1, $1) }
          return exp(score / Double(shape.headWidth).squareRoot())
        }
        return zip(keys, powers).reduce(0) { $0 + $1.1 * value($1.0, 2, feature) }
          / powers.reduce(0, +)
      }
    }
    let result = run(ScalarKernels.self, shape, qkv, dy)
    #expect(distance(result.y, Guarded(y(qkv.doubles))) < 3e-7)
    let expected = Guarded(numericGradient(qkv.doubles) { inner(y($0), dy.doubles) })
    #expect(distance(result.dqkv, expected) < 2e-6)
  }

  /// Numbers of PyTorch 2.13's scaled_dot_product_attention.
  @Test(arguments: KernelSelection.available) func matchesPyTorch(_ set: InstructionSet) throws {
    let shape = AttentionShape(samples: 1, length: 3, heads: 2, headWidth: 2, causal: true)
    let result = run(try kernels(set), shape, wave(36, 1), wave(12, 2))
    let y = Guarded([
      0.2492331, 0.6803493, 0.7914866, 0.5303754, 0.3601884, 0.4044001, 0.515412, 0.2509812,
      0.1416354, 0.185154, -0.1451168, -0.2193496,
    ])
    let dqkv = Guarded([
      0, 0, 0, 0, -0.1008496, -0.02554795, -0.04186659, -0.02650917, 0.6160004, 0.3433732,
      -0.179492, -0.3409784, 0.00570501, 0.02935422, -0.0861715, -0.06728338, -0.02706196,
      -0.02496764, 0.04881309, 0.04406475, -0.06066358, 0.01648618, 0.1588419, -0.01591507,
      -0.2272961, -0.1966414, -0.01614168, 0.006820355, 0.1279115, 0.05051558, -0.006946497,
      -0.01755556, 0.1495052, 0.1393497, 0.07944045, -0.05238491,
    ])
    #expect(distance(result.y, y) < 5e-7)
    #expect(distance(result.dqkv, dqkv) < 5e-7)
  }
}
