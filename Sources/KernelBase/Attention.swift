// Multi-head self-attention, block by block (Dao, Fu, Ermon, Rudra, Ré: "FlashAttention", 2022):
// queries are the lanes of a vector and keys the rows of a tile, so that maximum, exponential and
// sum of a softmax run down the rows and never cross lanes. Only one block of the attention matrix
// exists at a time; where a sequence is longer than a block, what was summed so far is rescaled
// when a larger score turns up (Milakov and Gimelshein 2018).

import CSIMD
import KernelABI

extension AttentionShape {
  /// Vectors of a block of queries.
  fileprivate var vectors: Int { attentionRows / wide }

  /// Floats of keys, values, queries; scores, sums of values; numbers of lanes.
  fileprivate var forwardScratch: Int {
    2 * packed(length) + rounded(headWidth, 4) * attentionRows + attentionRows * attentionRows
      + packed(attentionRows) + vectors * SoftmaxLanes.count + packingSlack
  }
}

extension VectorKernels {
  /// A head's keys and values, packed, and one block.
  public static func attentionScratch(_ shape: AttentionShape) -> Int {
    max(shape.forwardScratch, attentionBackwardScratch(shape))
  }

  /// 4 headWidth operations and one exponential per score; causal attention skips nearly half of
  /// them.
  public static func attentionForward(
    _ shape: AttentionShape, qkv: FloatsIn, y: FloatsOut, logSums: FloatsOut, scratch: FloatsOut
  ) {
    guard shape.count > 0 else { return }
    var pass = ForwardPass(shape, scratch)
    let heads = shape.samples * shape.heads
    func start(_ head: Int) -> Head {
      Head(
        q: qkv + shape.start(head, shape.tokenStep), y: y + shape.start(head, shape.width),
        logSums: logSums + head * shape.length)
    }
    for head in 0..<heads {
      pass.run(start(head), next: head + 1 < heads ? start(head + 1) : nil)
    }
  }
}

/// Where a head's numbers start.
private struct Head {
  var q: FloatsIn
  var y, logSums: FloatsOut
}

/// The forward pass of one head.
private struct ForwardPass {
  let shape: AttentionShape
  /// Keys and values, (length, headWidth).
  let keys, values: FloatsOut
  /// A block of queries, by vectors (headWidth, lane), and its sums of values, (query, headWidth).
  let queries, output: FloatsOut
  /// Scores of one block, then their exponentials, by vectors (key, lane).
  let scores: FloatsOut
  /// Numbers of lanes, by vectors.
  let lanes: FloatsOut
  var next: NextHead

  init(_ shape: AttentionShape, _ scratch: FloatsOut) {
    self.shape = shape
    keys = scratch
    values = keys + shape.packed(shape.length)
    scores = values + shape.packed(shape.length)
    output = scores + attentionRows * attentionRows
    lanes = output + shape.packed(attentionRows)
    queries = lanes + shape.vectors * SoftmaxLanes.count
    next = NextHead(shape, scratch)
  }

  /// All of a head.
  mutating func run(_ head: Head, next other: Head?) {
    let (rows, columns, width, step) = (
      shape.length, shape.headWidth, shape.width, shape.tokenStep
    )
    next = NextHead(shape, head.q)
    if let other {
      next.add(other.q + width, step: step, other.q + 2 * width, step: step)
      next.add(other.q, step: step, FloatsIn(other.y), step: width)
    }
    packPanels(rows, columns, head.q + width, step, keys, panelStep: rows * wide)
    packPanels(rows, columns, head.q + 2 * width, step, values, panelStep: rows * wide)
    var query = 0
    while query < rows {
      runBlock(
        query, min(attentionRows, rows - query), head.q + query * step, head.y + query * width,
        head.logSums + query)
      query += attentionRows
    }
  }

  /// The `count` queries from `query` on, which start at q.
  private mutating func runBlock(
    _ query: Int, _ count: Int, _ q: FloatsIn, _ y: FloatsOut, _ logSums: FloatsOut
  ) {
    let vectors = (count + wide - 1) / wide
    for vector in 0..<vectors {
      let first = vector * wide
      packVector(
        min(wide, count - first), shape.headWidth, q + first * shape.tokenStep, shape.tokenStep,
        output + first * wide, panelStep: attentionRows * wide,
        transposed: queries + first * rounded(shape.headWidth, 4))
    }
    var key = 0
    while key < (shape.causal ? query + count : shape.length) {
      for vector in 0..<vectors { multiplyKeys(query, key, vector) }
      for vector in 0..<vectors {
        softmax(vector).add(
          shape.block(query: query + vector * wide, key: key),
          scores + vector * wide * attentionRows, shape.binaryScale, isFirst: key == 0)
      }
      for vector in 0..<vectors { sumValues(query, key, vector) }
      key += attentionRows
    }
    for vector in 0..<vectors {
      let (first, lanes) = (vector * wide, softmax(vector))
      lanes.finish(min(wide, count - first), shape.scale, logSums + first)
      scaleRows(first, min(wide, count - first), by: lanes.factors, to: y + first * shape.width)
    }
  }

  private func softmax(_ vector: Int) -> SoftmaxLanes {
    SoftmaxLanes(lanes + vector * SoftmaxLanes.count)
  }

  /// scores[key][query] = keys[key] . queries[query].
  private mutating func multiplyKeys(_ query: Int, _ key: Int, _ vector: Int) {
    let first = vector * wide
    shape.block(query: query + first, key: key).multiply(
      features: shape.headWidth, FloatsIn(keys + key * wide), aPanel: shape.length * wide,
      FloatsIn(queries + first * rounded(shape.headWidth, 4)), scores + first * attentionRows,
      &next)
  }

  /// output[query] (+)= sum over keys of exponential[key][query] values[key].
  private mutating func sumValues(_ query: Int, _ key: Int, _ vector: Int) {
    let first = vector * wide
    let block = shape.block(query: query + first, key: key)
    if key > 0 { scaleRows(first, block.queries, by: softmax(vector).factors) }
    for panel in 0..<panels(shape.headWidth) {
      var task = PanelTask(
        count: block.keys, transposed: FloatsIn(scores + first * attentionRows),
        b: FloatsIn(values + (panel * shape.length + key) * wide),
        c: output + (panel * attentionRows + first) * wide, add: key > 0)
      task.upperEdge = block.distance
      next.serve(&task, block.queries)
      runPanels(
        Partition(block.queries, largest: attentionTile),
        columns: panelColumns(shape.headWidth, panel), &task)
    }
  }

  /// Multiplies rows of the sums of values by their factors, in place or on their way to y.
  private func scaleRows(
    _ first: Int, _ rows: Int, by factors: FloatsIn, to y: FloatsOut? = nil
  ) {
    for panel in 0..<panels(shape.headWidth) {
      let columns = panelColumns(shape.headWidth, panel)
      let from = output + (panel * attentionRows + first) * wide
      for row in 0..<rows {
        let value = csimd_multiply(Wide(repeating: factors[row]), (from + row &* wide).wide)
        if let to = y.map({ $0 + (row &* shape.width &+ panel &* wide) }) {
          if columns == wide { to.wide = value } else { value.store(to, columns) }
        } else {
          (from + row &* wide).wide = value
        }
      }
    }
  }
}

/// The softmax of each lane, as far as its keys have been seen, in powers of two.
private struct SoftmaxLanes {
  /// Largest score; sum of 2^(scale (score - largest)); what the next step multiplies by.
  private let largest, sums, factorsOut: FloatsOut
  private let mask: CausalMask

  /// Floats of memory.
  static var count: Int { 3 * wide + CausalMask.count }

  init(_ memory: FloatsOut) {
    // Written anew each time: two vectors.
    (largest, sums, factorsOut) = (memory, memory + wide, memory + 2 * wide)
    mask = CausalMask(memory + 3 * wide)
  }

  var factors: FloatsIn { FloatsIn(factorsOut) }

  /// Turns scores into powers of their distance to the largest so far, adds these up, and leaves in
  /// `factors` what older sums must be multiplied by.
  func add(_ block: AttentionBlock, _ scores: FloatsOut, _ scale: Float, isFirst: Bool) {
    let old = isFirst ? Wide(repeating: -.infinity) : largest.wide
    let offset = csimd_multiply(
      Wide(repeating: -scale), hideAndFindLargest(block, scores, old))
    var sum = isFirst ? Wide() : sums.wide
    if !isFirst {
      let factor = powerOfTwo(csimd_fma(scale, old, offset))
      factorsOut.wide = factor
      sum = csimd_multiply(factor, sum)
    }
    for key in 0..<block.low {
      let row = scores + key &* wide
      let power = powerOfTwo(csimd_fma(scale, row.wide, offset))
      row.wide = power
      sum = csimd_add(sum, power)
    }
    sums.wide = sum
    if block.low < block.seen {
      let upper = csimd_multiply(Half(repeating: -scale), FloatsIn(largest + half).half)
      var sum = FloatsIn(sums + half).half
      for key in block.low..<block.seen {
        let row = scores + (key &* wide &+ half)
        let power = powerOfTwo(csimd_fma(scale, FloatsIn(row).half, upper))
        power.store(row)
        sum = csimd_add(sum, power)
      }
      sum.store(sums + half)
    }
    block.clearHidden(scores)
  }

  /// Hides what is hidden, and returns the largest score of each lane, at least `old`.
  @inline(__always)
  private func hideAndFindLargest(
    _ block: AttentionBlock, _ scores: FloatsOut, _ old: Wide
  ) -> Wide {
    // Two maxima side by side, because each waits for the one before.
    var (even, odd) = (old, old)
    var key = 0
    while key &+ 2 <= block.common {
      even = csimd_max((scores + key &* wide).wide, even)
      odd = csimd_max((scores + (key &+ 1) &* wide).wide, odd)
      key &+= 2
    }
    while key < block.low {
      let row = scores + key &* wide
      let score = mask.hide(row.wide, from: max(0, key &- block.distance))
      row.wide = score
      even = csimd_max(score, even)
      key &+= 1
    }
    largest.wide = csimd_max(even, odd)
    if block.low < block.seen {
      var upper = FloatsIn(largest + half).half
      for key in block.low..<block.seen {
        let row = scores + (key &* wide &+ half)
        let score = mask.hide(FloatsIn(row).half, from: key &- block.distance &- half)
        score.store(row)
        upper = csimd_max(score, upper)
      }
      upper.store(largest + half)
    }
    return largest.wide
  }

  /// Leaves 1 / sum in `factors`, and writes the natural logarithms of `count` sums.
  func finish(_ count: Int, _ scale: Float, _ logSums: FloatsOut) {
    factorsOut.wide = csimd_divide(Wide(repeating: 1), sums.wide)
    var lane = 0
    while lane < count {
      let logarithm = logarithm(FloatsIn(sums + lane).half)
      csimd_fma(scale, FloatsIn(largest + lane).half, logarithm)
        .store(logSums + lane, min(half, count - lane))
      lane += half
    }
  }
}
