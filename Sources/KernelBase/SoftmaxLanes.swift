// The softmax of attention, key by key: each lane is a query, whose largest score and sum of
// exponentials are corrected as blocks of keys arrive (Milakov and Gimelshein 2018).

import CSIMD
import KernelABI

/// The softmax of each lane, as far as its keys have been seen, in powers of two.
struct SoftmaxLanes {
  /// Largest score; sum of 2^(scale (score - largest)); what the next step multiplies by.
  private let largest, sums, factorsOut: FloatsOut
  private let mask: CausalMask

  /// Floats of memory.
  static var count: Int { 3 * wide + CausalMask.count }

  init(_ memory: FloatsOut) {
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
