import Kernels
import Testing

@Suite struct PoolingTests {
  static let shapes: [PoolingShape] = {
    var shapes: [PoolingShape] = []
    for (window, stride) in [(2, 2), (3, 2), (3, 3), (2, 1), (1, 1), (5, 4), (2, 3)] {
      for (height, width, channels) in [
        (6, 6, 32), (7, 9, 16), (5, 5, 3), (12, 5, 70), (2, 6, 3),
      ] {
        shapes.append(
          PoolingShape(
            batch: 2, height: height, width: width, channels: channels, window: window,
            stride: stride))
      }
    }
    return shapes
  }()

  @Test(arguments: vectorSets) func bothPasses(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(31)
    for shape in Self.shapes {
      let x = Guarded(shape.batch * shape.height * shape.width * shape.channels, &numbers)
      for i in stride(from: 0, to: x.count, by: 3) { x[i] = 0.25 }  // Equals.
      for i in stride(from: 5, to: x.count, by: 41) { x[i] = .nan }
      let count = shape.batch * shape.outputHeight * shape.outputWidth * shape.channels
      let (y, expected) = (Guarded(count), Guarded(count))
      let (choice, expectedChoice) = (GuardedBytes(count), GuardedBytes(count))
      ScalarKernels.maxPoolingForward(
        shape, x: x.values, y: expected.out, choice: expectedChoice.out)
      table.maxPoolingForward(shape, x: x.values, y: y.out, choice: choice.out)
      #expect(distance(y, expected) == 0 && y.intact && choice.intact, "\(shape)")
      #expect((0..<count).allSatisfy { choice.out[$0] == expectedChoice.out[$0] }, "\(shape)")
      let dy = Guarded(count, &numbers)
      let (dx, dxExpected) = (Guarded(x.count), Guarded(x.count))
      ScalarKernels.maxPoolingBackward(
        shape, dy: dy.values, choice: choice.out, dx: dxExpected.out)
      table.maxPoolingBackward(shape, dy: dy.values, choice: choice.out, dx: dx.out)
      #expect(distance(dx, dxExpected) < 1e-6 && dx.intact, "\(shape)")
    }
  }

  @Test(arguments: vectorSets) func averages(_ set: InstructionSet) throws {
    let table = try kernels(set)
    var numbers = Numbers(32)
    for shape in Self.shapes {
      let x = Guarded(shape.batch * shape.height * shape.width * shape.channels, &numbers)
      let count = shape.batch * shape.outputHeight * shape.outputWidth * shape.channels
      let (y, expected) = (Guarded(count), Guarded(count))
      ScalarKernels.averagePoolingForward(shape, x: x.values, y: expected.out)
      table.averagePoolingForward(shape, x: x.values, y: y.out)
      #expect(distance(y, expected) < 1e-6 && y.intact, "\(shape)")
      let (dx, dxExpected) = (Guarded(x.count), Guarded(x.count))
      ScalarKernels.averagePoolingBackward(shape, dy: y.values, dx: dxExpected.out)
      table.averagePoolingBackward(shape, dy: y.values, dx: dx.out)
      #expect(distance(dx, dxExpected) < 1e-6 && dx.intact, "\(shape)")
    }
  }
}
