// Recurrent layers by their definitions, sample by sample, with sums in double precision: PyTorch's
// nn.LSTM and nn.GRU. Kept are, for each token, the four places of the sums (as the cells below say)
// and the cells.

import KernelABI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension RecurrentShape {
  /// Floats kept of a token.
  fileprivate var tokenCount: Int { 5 * hidden }
}

extension RecurrentInput {
  /// Feature `i` of token number `token` of all samples'.
  fileprivate func value(_ shape: RecurrentShape, _ token: Int, _ i: Int) -> Double {
    switch self {
    case .dense(let x): Double(x[token * shape.inputs + i])
    case .tokens(let tokens, let embedding):
      Double(embedding[Int(tokens[token]) * shape.inputs + i])
    }
  }
}

extension ScalarKernels {
  /// Places and cells of all tokens.
  public static func recurrentKept(_ shape: RecurrentShape) -> Int {
    shape.samples * shape.length * shape.tokenCount
  }

  /// Gradients of the sums of all tokens; of one state and its cells.
  public static func recurrentScratch(_ shape: RecurrentShape) -> Int {
    (4 * shape.samples * shape.length + 2) * shape.hidden
  }

  /// One unit after the other.
  public static func recurrentForward(
    _ shape: RecurrentShape, _ input: RecurrentInput, _ weights: RecurrentWeights, h: FloatsOut,
    kept: FloatsOut, scratch: FloatsOut
  ) {
    shape.check(input)
    let (hidden, columns) = (shape.hidden, shape.gateCount)
    for token in 0..<shape.samples * shape.length {
      let isFirst = token % shape.length == 0
      let before = h + (token - 1) * hidden
      let place = kept + token * shape.tokenCount
      for j in 0..<hidden {
        var sums = (0.0, 0.0, 0.0, 0.0)
        withUnsafeMutableBytes(of: &sums) {
          let sums = $0.bindMemory(to: Double.self)
          for gate in 0..<shape.cell.gates {
            let column = gate * hidden + j
            var (own, state) = (
              Double(weights.inputBias[column]), Double(weights.hiddenBias[column])
            )
            for i in 0..<shape.inputs {
              own += input.value(shape, token, i) * Double(weights.input[i * columns + column])
            }
            for k in 0..<(isFirst ? 0 : hidden) {
              state += Double(before[k]) * Double(weights.hidden[k * columns + column])
            }
            sums[gate] += own
            sums[shape.cell.statePlace(gate)] += state
          }
        }
        switch shape.cell {
        case .lstm:
          let (i, f, g, o) = (logistic(sums.0), logistic(sums.1), tanh(sums.2), logistic(sums.3))
          let old = isFirst ? 0 : Double(place[4 * hidden + j - shape.tokenCount])
          let cell = f * old + i * g
          place[4 * hidden + j] = Float(cell)
          h[token * hidden + j] = Float(o * tanh(cell))
          keep((i, f, g, o))
        case .gru:
          let (r, z) = (logistic(sums.0), logistic(sums.1))
          let n = tanh(sums.2 + r * sums.3)
          h[token * hidden + j] = Float((1 - z) * n + z * (isFirst ? 0 : Double(before[j])))
          keep((r, z, n, sums.3))
        }
        func keep(_ values: (Double, Double, Double, Double)) {
          place[j] = Float(values.0)
          place[hidden + j] = Float(values.1)
          place[2 * hidden + j] = Float(values.2)
          place[3 * hidden + j] = Float(values.3)
        }
      }
    }
  }

  /// Gradients of the sums, last token first; then everything else from them.
  public static func recurrentBackward(
    _ shape: RecurrentShape, _ input: RecurrentInput, _ weights: RecurrentWeights, h: FloatsIn,
    dh: FloatsIn, kept: FloatsIn, gradients: RecurrentGradients, scratch: FloatsOut
  ) {
    shape.check(input)
    let hidden = shape.hidden
    let dsums = scratch
    let state = dsums + 4 * shape.samples * shape.length * hidden
    let cells = state + hidden
    for sample in 0..<shape.samples {
      for j in 0..<2 * hidden { state[j] = 0 }
      for time in (0..<shape.length).reversed() {
        let token = sample * shape.length + time
        let place = kept + token * shape.tokenCount
        let to = dsums + token * 4 * hidden
        for j in 0..<hidden {
          func gate(_ gate: Int) -> Double { Double(place[gate * hidden + j]) }
          func write(_ gate: Int, _ value: Double) { to[gate * hidden + j] = Float(value) }
          let gradient = Double(dh[token * hidden + j]) + Double(state[j])
          switch shape.cell {
          case .lstm:
            let (i, f, g, o) = (gate(0), gate(1), gate(2), gate(3))
            let old = time == 0 ? 0 : Double(place[4 * hidden + j - shape.tokenCount])
            let t = tanh(gate(4))
            let dcell = gradient * o * (1 - t * t) + Double(cells[j])
            write(0, dcell * g * i * (1 - i))
            write(1, dcell * old * f * (1 - f))
            write(2, dcell * i * (1 - g * g))
            write(3, gradient * t * o * (1 - o))
            cells[j] = Float(dcell * f)
            state[j] = 0
          case .gru:
            let (r, z, n, s) = (gate(0), gate(1), gate(2), gate(3))
            let old = time == 0 ? 0 : Double(h[(token - 1) * hidden + j])
            let dn = gradient * (1 - z) * (1 - n * n)
            write(0, dn * s * r * (1 - r))
            write(1, gradient * (old - n) * z * (1 - z))
            write(2, dn)
            write(3, dn * r)
            state[j] = Float(gradient * z)
          }
        }
        for k in 0..<hidden {
          state[k] = Float(
            Double(state[k])
              + product(shape, to, weights.hidden + k * shape.gateCount, shape.cell.statePlace))
        }
      }
    }
    sumWeightGradients(shape, input, h: h, FloatsIn(dsums), gradients)
    guard let dx = gradients.x else { return }
    if case .tokens = input { dx.update(repeating: 0, count: shape.symbols * shape.inputs) }
    for token in 0..<shape.samples * shape.length {
      for i in 0..<shape.inputs {
        let value = Float(
          product(shape, dsums + token * 4 * hidden, weights.input + i * shape.gateCount) { $0 })
        switch input {
        case .dense: dx[token * shape.inputs + i] = value
        case .tokens(let tokens, _): dx[Int(tokens[token]) * shape.inputs + i] += value
        }
      }
    }
  }

  /// Gradients of a token's sums times a row of weights.
  private static func product(
    _ shape: RecurrentShape, _ dsums: FloatsOut, _ weights: FloatsIn, _ place: (Int) -> Int
  ) -> Double {
    var sum = 0.0
    for gate in 0..<shape.cell.gates {
      for j in 0..<shape.hidden {
        sum +=
          Double(dsums[place(gate) * shape.hidden + j]) * Double(weights[gate * shape.hidden + j])
      }
    }
    return sum
  }

  /// Sums over all tokens.
  private static func sumWeightGradients(
    _ shape: RecurrentShape, _ input: RecurrentInput, h: FloatsIn, _ dsums: FloatsIn,
    _ gradients: RecurrentGradients
  ) {
    let (hidden, columns) = (shape.hidden, shape.gateCount)
    func sum(_ place: Int, _ j: Int, _ factor: (Int) -> Double) -> Float {
      var sum = 0.0
      for token in 0..<shape.samples * shape.length {
        sum += factor(token) * Double(dsums[(token * 4 + place) * hidden + j])
      }
      return Float(sum)
    }
    for gate in 0..<shape.cell.gates {
      let other = shape.cell.statePlace(gate)
      for j in 0..<hidden {
        let column = gate * hidden + j
        gradients.inputBias[column] = sum(gate, j) { _ in 1 }
        gradients.hiddenBias[column] = sum(other, j) { _ in 1 }
        for i in 0..<shape.inputs {
          gradients.input[i * columns + column] = sum(gate, j) { input.value(shape, $0, i) }
        }
        for k in 0..<hidden {
          gradients.hidden[k * columns + column] = sum(other, j) {
            $0 % shape.length == 0 ? 0 : Double(h[($0 - 1) * hidden + k])
          }
        }
      }
    }
  }
}
