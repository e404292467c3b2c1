// Self-attention by its definition, each score computed where it is needed, in double precision.

import KernelABI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One head's numbers.
private struct ScalarHead {
  let shape: AttentionShape
  let q: FloatsIn

  /// Keys that a query sees.
  func keys(_ query: Int) -> Range<Int> { 0..<(shape.causal ? query + 1 : shape.length) }
  /// Feature `i` of a token's query (0), key (1) or value (2).
  func value(_ token: Int, _ third: Int, _ i: Int) -> Double {
    Double(q[(3 * token + third) * shape.width + i])
  }
  /// q k / sqrt(headWidth).
  func score(_ query: Int, _ key: Int) -> Double {
    var sum = 0.0
    for i in 0..<shape.headWidth { sum += value(query, 0, i) * value(key, 1, i) }
    return sum / Double(shape.headWidth).squareRoot()
  }
}

extension ScalarKernels {
  /// Zero.
  public static func attentionScratch(_ shape: AttentionShape) -> Int { 0 }

  /// Every sample's heads: the places of their first floats in qkv, y and the rows.
  private static func forEachHead(_ shape: AttentionShape, _ body: (Int, Int, Int) -> Void) {
    for sample in 0..<shape.samples {
      for head in 0..<shape.heads {
        let token = sample * shape.length
        body(
          token * 3 * shape.width + head * shape.headWidth,
          token * shape.width + head * shape.headWidth,
          (sample * shape.heads + head) * shape.length)
      }
    }
  }

  /// Scores are computed headWidth + 2 times each.
  public static func attentionForward(
    _ shape: AttentionShape, qkv: FloatsIn, y: FloatsOut, logSums: FloatsOut, scratch: FloatsOut
  ) {
    forEachHead(shape) { broad, narrow, row in
      let head = ScalarHead(shape: shape, q: qkv + broad)
      for query in 0..<shape.length {
        var largest = -Double.infinity
        for key in head.keys(query) { largest = max(largest, head.score(query, key)) }
        var sum = 0.0
        for key in head.keys(query) { sum += exp(head.score(query, key) - largest) }
        logSums[row + query] = Float(largest + log(sum))
        for i in 0..<shape.headWidth {
          var value = 0.0
          for key in head.keys(query) {
            value += exp(head.score(query, key) - largest) / sum * head.value(key, 2, i)
          }
          y[narrow + query * shape.width + i] = Float(value)
        }
      }
    }
  }

  /// Sums into dqkv in single precision, over queries and keys in rising order.
  public static func attentionBackward(
    _ shape: AttentionShape, qkv: FloatsIn, y: FloatsIn, logSums: FloatsIn, dy: FloatsIn,
    dqkv: FloatsOut, scratch: FloatsOut
  ) {
    dqkv.update(repeating: 0, count: 3 * shape.count)
    let (width, features) = (shape.width, shape.headWidth)
    let scale = 1 / Double(features).squareRoot()
    forEachHead(shape) { broad, narrow, row in
      let head = ScalarHead(shape: shape, q: qkv + broad)
      let d = dqkv + broad
      for query in 0..<shape.length {
        let (output, gradient) = (y + (narrow + query * width), dy + (narrow + query * width))
        var delta = 0.0
        for i in 0..<features { delta += Double(output[i]) * Double(gradient[i]) }
        for key in head.keys(query) {
          let p = exp(head.score(query, key) - Double(logSums[row + query]))
          var change = 0.0
          for i in 0..<features { change += Double(gradient[i]) * head.value(key, 2, i) }
          let ds = p * (change - delta) * scale
          for i in 0..<features {
            d[3 * query * width + i] += Float(ds * head.value(key, 1, i))
            d[(3 * key + 1) * width + i] += Float(ds * head.value(query, 0, i))
            d[(3 * key + 2) * width + i] += Float(p * Double(gradient[i]))
          }
        }
      }
    }
  }
}
