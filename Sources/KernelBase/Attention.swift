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
  let scale: Float
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
    scale = shape.scale
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
          scores + vector * wide * attentionRows, logarithmE * scale, isFirst: key == 0)
      }
      for vector in 0..<vectors { sumValues(query, key, vector) }
      key += attentionRows
    }
    for vector in 0..<vectors {
      let (first, lanes) = (vector * wide, softmax(vector))
      lanes.finish(min(wide, count - first), scale, logSums + first)
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
