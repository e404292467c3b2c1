// The gradient of attention without its matrix (FlashAttention's backward pass): a block of
// exponentials is computed again from the kept sums, and with them, S being the scores,
//   dv = P^T dy,  dS = P (dy v^T - delta) scale,  dq = dS k,  dk = dS^T q,  delta = sum of y dy.
// Both blocks, P and dS, lie as (key, lane of queries): by rows they give the gradients of keys and
// values, transposed that of the queries.

import CSIMD
import KernelABI

extension VectorKernels {
  /// Floats of keys, values and their gradients; of a block's queries and gradients, by rows and
  /// transposed; of two blocks; of numbers of queries.
  static func attentionBackwardScratch(_ shape: AttentionShape) -> Int {
    let block = 2 * attentionRows * (rounded(shape.headWidth, 4) + attentionRows + 1)
    return 4 * shape.packed(shape.length) + 3 * shape.packed(attentionRows) + block
      + CausalMask.count + packingSlack
  }

  /// 10 headWidth operations and one exponential per score; see `attentionForward`.
  public static func attentionBackward(
    _ shape: AttentionShape, qkv: FloatsIn, y: FloatsIn, logSums: FloatsIn, dy: FloatsIn,
    dqkv: FloatsOut, scratch: FloatsOut
  ) {
    guard shape.count > 0 else { return }
    var pass = BackwardPass(shape, scratch)
    let heads = shape.samples * shape.heads
    func start(_ head: Int) -> Head {
      let (narrow, broad) = (shape.start(head, shape.width), shape.start(head, shape.tokenStep))
      return Head(
        q: qkv + broad, y: y + narrow, dy: dy + narrow, logSums: logSums + head * shape.length,
        dq: dqkv + broad)
    }
    for head in 0..<heads {
      pass.run(start(head), next: head + 1 < heads ? start(head + 1) : nil)
    }
  }
}

/// Where a head's numbers start.
private struct Head {
  var q, y, dy, logSums: FloatsIn
  var dq: FloatsOut
}

/// The backward pass of one head.
private struct BackwardPass {
  let shape: AttentionShape
  let scale: Float
  /// Keys and values, (length, headWidth).
  let keys, values: FloatsOut
  /// Gradients of all keys and values, and of a block's queries.
  let dk, dv, dq: FloatsOut
  /// A block of queries and gradients, (query, headWidth), and by vectors (headWidth, lane).
  let queries, gradients, queryLanes, gradientLanes: FloatsOut
  /// P and dS by vectors of queries, (key, lane).
  let weights, changes: FloatsOut
  /// -scale delta, and minus the binary logarithm of the sum of exponentials, of each query.
  let deltas, logs: FloatsOut
  let mask: CausalMask
  var next: NextHead

  init(_ shape: AttentionShape, _ scratch: FloatsOut) {
    self.shape = shape
    scale = shape.scale
    next = NextHead(shape, scratch)
    var memory = scratch
    func take(_ count: Int) -> FloatsOut {
      defer { memory += count }
      return memory
    }
    (dk, dv) = (take(shape.packed(shape.length)), take(shape.packed(shape.length)))
    dq = take(shape.packed(attentionRows))
    (keys, values) = (take(shape.packed(shape.length)), take(shape.packed(shape.length)))
    (queries, gradients) = (take(shape.packed(attentionRows)), take(shape.packed(attentionRows)))
    (weights, changes) = (take(attentionRows * attentionRows), take(attentionRows * attentionRows))
    (deltas, logs) = (take(attentionRows), take(attentionRows))
    mask = CausalMask(take(CausalMask.count))
    queryLanes = take(rounded(shape.headWidth, 4) * attentionRows)
    gradientLanes = take(rounded(shape.headWidth, 4) * attentionRows)
  }

  /// All of a head.
  mutating func run(_ head: Head, next other: Head?) {
    next = NextHead(shape, head.q)
    if let other {
      let (width, step) = (shape.width, shape.tokenStep)
      let (q, dq) = (other.q, FloatsIn(other.dq))
      next.add(q + width, step: step, q + 2 * width, step: step)
      next.add(q, step: step, other.dy, step: width)
      next.add(other.y, step: width, dq, step: step)
      next.add(dq + width, step: step, dq + 2 * width, step: step)
    }
    let (rows, columns, step) = (shape.length, shape.headWidth, shape.tokenStep)
    packPanels(rows, columns, head.q + shape.width, step, keys, panelStep: rows * wide)
    packPanels(rows, columns, head.q + 2 * shape.width, step, values, panelStep: rows * wide)
    var query = 0
    while query < rows {
      let count = min(attentionRows, rows - query)
      pack(head, query, count)
      var key = 0
      while key < (shape.causal ? query + count : rows) {
        for vector in 0..<(count + wide - 1) / wide { computeBlocks(query, key, vector) }
        keyGradients(query, count, key)
        for vector in 0..<(count + wide - 1) / wide { queryGradients(query, key, vector) }
        key += attentionRows
      }
      unpackPanels(
        count, columns, FloatsIn(dq), panelStep: attentionRows * wide, head.dq + query * step, step)
      query += attentionRows
    }
    let (width, panel) = (shape.width, rows * wide)
    unpackPanels(rows, columns, FloatsIn(dk), panelStep: panel, head.dq + width, step)
    unpackPanels(rows, columns, FloatsIn(dv), panelStep: panel, head.dq + 2 * width, step)
  }

  /// Packs `count` queries and their gradients; deltas and logarithms.
  private func pack(_ head: Head, _ query: Int, _ count: Int) {
    let (columns, step, width) = (shape.headWidth, shape.tokenStep, shape.width)
    let panelStep = attentionRows * wide
    var first = 0
    while first < count {
      let (rows, lanes) = (min(wide, count - first), first * rounded(columns, 4))
      let token = query + first
      packVector(
        rows, columns, head.q + token * step, step, queries + first * wide, panelStep: panelStep,
        transposed: queryLanes + lanes)
      packVector(
        rows, columns, head.dy + token * width, width, gradients + first * wide,
        panelStep: panelStep, transposed: gradientLanes + lanes)
      for row in 0..<rows {
        deltas[first + row] = delta(
          head.y + (token + row) * width, FloatsIn(gradients + (first + row) * wide))
      }
      (logs + first).wide = csimd_multiply(
        Wide(repeating: -logarithmE), Wide.load(head.logSums + token, rows))
      first += wide
    }
  }

  /// -scale times the dot product of a row of y with its packed gradient.
  @inline(__always)
  private func delta(_ y: FloatsIn, _ dy: FloatsIn) -> Float {
    var sum = Wide()
    var (feature, dy) = (0, dy)
    while feature &+ wide <= shape.headWidth {
      sum = csimd_fma((y + feature).wide, dy.wide, sum)
      dy += attentionRows &* wide
      feature &+= wide
    }
    if feature < shape.headWidth {
      sum = csimd_fma(Wide.load(y + feature, shape.headWidth &- feature), dy.wide, sum)
    }
    return -scale * csimd_sum(sum)
  }

  /// P and dS of a vector of queries.
  private mutating func computeBlocks(_ query: Int, _ key: Int, _ vector: Int) {
    let block = shape.block(query: query + vector * wide, key: key)
    let (features, panel) = (shape.headWidth, shape.length * wide)
    let lanes = vector * rounded(features, 4) * wide
    let (p, ds) = (weights + vector * attentionRows * wide, changes + vector * attentionRows * wide)
    block.multiply(
      features: features, FloatsIn(keys + key * wide), aPanel: panel, FloatsIn(queryLanes + lanes),
      p, &next)
    block.multiply(
      features: features, FloatsIn(values + key * wide), aPanel: panel,
      FloatsIn(gradientLanes + lanes), ds, &next)
    differentiate(block, p, ds, vector * wide)
  }

  /// P = exp(scale S - log), dS = P (scale dP - scale delta).
  private func differentiate(
    _ block: AttentionBlock, _ p: FloatsOut, _ ds: FloatsOut, _ query: Int
  ) {
    let (log, delta) = (FloatsIn(logs + query).wide, FloatsIn(deltas + query).wide)
    let binaryScale = logarithmE * scale
    @inline(__always)
    func differentiate(_ key: Int, _ hide: (Wide) -> Wide) {
      let (p, ds) = (p + key &* wide, ds + key &* wide)
      let power = powerOfTwo(csimd_fma(binaryScale, hide(p.wide), log))
      p.wide = power
      ds.wide = csimd_multiply(power, csimd_fma(scale, ds.wide, delta))
    }
    for key in 0..<block.common { differentiate(key) { $0 } }
    for key in block.common..<block.low {
      differentiate(key) { mask.hide($0, from: key &- block.distance) }
    }
    let (upperLog, upperDelta) = (
      FloatsIn(logs + (query + half)).half, FloatsIn(deltas + (query + half)).half
    )
    for key in block.low..<block.seen {
      let (p, ds) = (p + (key &* wide &+ half), ds + (key &* wide &+ half))
      let score = mask.hide(FloatsIn(p).half, from: max(0, key &- block.distance &- half))
      let power = powerOfTwo(csimd_fma(binaryScale, score, upperLog))
      power.store(p)
      csimd_multiply(power, csimd_fma(scale, FloatsIn(ds).half, upperDelta)).store(ds)
    }
    block.clearHidden(p)
    block.clearHidden(ds)
  }

  /// dv (+)= P^T dy and dk (+)= dS^T q.
  private mutating func keyGradients(_ query: Int, _ count: Int, _ key: Int) {
    let rows = min(attentionRows, shape.length - key)
    let groups = Partition(rows, largest: attentionTile)
    for panel in 0..<panels(shape.headWidth) {
      let columns = panelColumns(shape.headWidth, panel)
      let (from, to) = (panel * attentionRows * wide, (panel * shape.length + key) * wide)
      let add = query > (shape.causal ? key : 0)
      var values = PanelTask(
        count: count, a: FloatsIn(weights), aPanel: attentionRows * wide,
        b: FloatsIn(gradients + from), c: dv + to, add: add)
      var keys = PanelTask(
        count: count, a: FloatsIn(changes), aPanel: attentionRows * wide,
        b: FloatsIn(queries + from), c: dk + to, add: add)
      if shape.causal { (values.lowerEdge, keys.lowerEdge) = (key - query, key - query) }
      next.serve(&values, rows)
      runPanels(groups, columns: columns, &values)
      next.serve(&keys, rows)
      runPanels(groups, columns: columns, &keys)
    }
  }

  /// dq (+)= dS k for a vector of queries.
  private mutating func queryGradients(_ query: Int, _ key: Int, _ vector: Int) {
    let first = vector * wide
    let block = shape.block(query: query + first, key: key)
    let groups = Partition(block.queries, largest: attentionTile)
    for panel in 0..<panels(shape.headWidth) {
      var task = PanelTask(
        count: block.keys, transposed: FloatsIn(changes + first * attentionRows),
        b: FloatsIn(keys + (panel * shape.length + key) * wide),
        c: dq + (panel * attentionRows + first) * wide, add: key > 0)
      task.upperEdge = block.distance
      next.serve(&task, block.queries)
      runPanels(groups, columns: panelColumns(shape.headWidth, panel), &task)
    }
  }
}
