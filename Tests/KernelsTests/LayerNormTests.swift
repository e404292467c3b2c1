import Kernels
import Testing

@Suite struct LayerNormTests {
  static let shapes = [(1, 1), (3, 5), (7, 16), (33, 100), (70, 128), (5, 1000), (0, 8)]

  private struct Result {
    let x, y, moments, dx, dgain, dbias: Guarded
    var all: [Guarded] { [y, moments, dx, dgain, dbias] }
  }

  /// Both passes, dx where dy was; the gradients of gain and bias in one or two calls.
  private func run(
    _ table: KernelTable, _ shape: LayerNormShape, _ seed: Int, offset: Float = 0,
    inPieces: Bool = false
  ) -> Result {
    var numbers = Numbers(seed)
    let (rows, width) = (shape.rows, shape.width)
    let x = Guarded(rows * width, &numbers)
    let (gain, bias) = (Guarded(width, &numbers), Guarded(width, &numbers))
    let dx = Guarded(rows * width, &numbers)
    for i in 0..<x.count { x[i] += offset }
    let result = Result(
      x: x, y: Guarded(x.count), moments: Guarded(2 * rows), dx: dx, dgain: Guarded(width),
      dbias: Guarded(width))
    table.layerNormForward(
      shape, x: x.values, gain: gain.values, bias: bias.values, y: result.y.out,
      moments: result.moments.out)
    let first = inPieces ? rows / 3 : rows
    for (start, count) in [(0, first), (first, rows - first)] where count > 0 || start == 0 {
      table.layerNormBackward(
        LayerNormShape(rows: count, width: width, epsilon: shape.epsilon),
        x: x.values + start * width, gain: gain.values,
        moments: result.moments.values + 2 * start, dy: dx.values + start * width,
        dx: dx.out + start * width, dgain: result.dgain.out, dbias: result.dbias.out,
        accumulate: start > 0)
    }
    #expect(result.all.allSatisfy { $0.intact })
    return result
  }

  /// 2e-6 of the larger of 1 and the expected magnitude; sums over rows 5e-6.
  @Test(arguments: vectorSets) func matchesTheReference(_ set: InstructionSet) throws {
    let table = try kernels(set)
    for (rows, width) in Self.shapes {
      // A large epsilon, because one feature has no variance.
      let shape = LayerNormShape(rows: rows, width: width, epsilon: 0.01)
      let expected = run(ScalarKernels.self, shape, rows)
      for inPieces in [false, true] {
        let result = run(table, shape, rows, inPieces: inPieces)
        for (i, (a, b)) in zip(result.all, expected.all).enumerated() {
          #expect(distance(a, b) < (i < 3 ? 2e-6 : 5e-6), "\(rows) x \(width), number \(i)")
        }
      }
    }
  }

  /// A large mean costs what it costs the numbers themselves, not the variance's difference.
  @Test(arguments: KernelSelection.available) func aLargeMeanIsHarmless(_ set: InstructionSet)
    throws
  {
    let shape = LayerNormShape(rows: 4, width: 96)
    let result = run(try kernels(set), shape, 7, offset: 1000)
    for row in 0..<4 {
      var squares: Float = 0
      for i in 0..<96 {
        let distance = result.x[row * 96 + i] - result.moments[2 * row]
        squares += distance * distance / 96
      }
      #expect(abs(result.moments[2 * row + 1] * squares.squareRoot() - 1) < 1e-4)
    }
  }

  @Test(arguments: KernelSelection.available) func rowsAreIndependent(_ set: InstructionSet)
    throws
  {
    let table = try kernels(set)
    var numbers = Numbers(8)
    let (x, gain, bias) = (Guarded(5 * 33, &numbers), Guarded(33, &numbers), Guarded(33, &numbers))
    func run(_ rows: Int, _ from: FloatsIn) -> Guarded {
      let (y, moments) = (Guarded(rows * 33), Guarded(2 * rows))
      table.layerNormForward(
        LayerNormShape(rows: rows, width: 33), x: from, gain: gain.values, bias: bias.values,
        y: y.out, moments: moments.out)
      return y
    }
    let (all, one) = (run(5, x.values), run(1, x.values + 3 * 33))
    for i in 0..<33 { #expect(all[3 * 33 + i] == one[i]) }
    x[33] = .nan
    let spoilt = run(5, x.values)
    for i in 0..<all.count { #expect(i / 33 == 1 ? spoilt[i].isNaN : spoilt[i] == all[i]) }
  }

  /// The reference's gradients against differences of the definition in doubles: 2e-6.
  @Test func referenceMatchesDifferences() {
    let (rows, width, epsilon) = (3, 5, 0.1)
    var numbers = Numbers(9)
    let (x, gain, bias) = (
      Guarded(rows * width, &numbers), Guarded(width, &numbers), Guarded(width, &numbers)
    )
    let dy = Guarded(rows * width, &numbers)
    func y(_ all: [Double]) -> [Double] {
      let (gain, bias) = (all[15..<20], all[20..<25])
      return (0..<rows * width).map { i in
        let row = all[i / width * width..<i / width * width + width]
        let mean = row.reduce(0, +) / Double(width)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
        let normal = (all[i] - mean) / (variance + epsilon).squareRoot()
        return normal * gain[15 + i % width] + bias[20 + i % width]
      }
    }
    let all = x.doubles + gain.doubles + bias.doubles
    let expected = Guarded(numericGradient(all) { inner(y($0), dy.doubles) })
    let shape = LayerNormShape(rows: rows, width: width, epsilon: Float(epsilon))
    let (result, gradient, moments) = (Guarded(15), Guarded(25), Guarded(6))
    ScalarKernels.layerNormForward(
      shape, x: x.values, gain: gain.values, bias: bias.values, y: result.out, moments: moments.out)
    ScalarKernels.layerNormBackward(
      shape, x: x.values, gain: gain.values, moments: moments.values, dy: dy.values,
      dx: gradient.out, dgain: gradient.out + 15, dbias: gradient.out + 20, accumulate: false)
    #expect(distance(result, Guarded(y(all))) < 5e-7)
    #expect(distance(gradient, expected) < 2e-6)
  }
}
