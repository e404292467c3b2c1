// The register tile between Winograd's transforms, where nearly all of the time goes: for every
// product of a tile a matrix product over channels (forward, backward data) or over tiles (gradient
// of weights).

import CSIMD
import KernelABI

/// One register tile's worth of M, or of the sums of the weights' gradient.
struct WinogradTask: TileTask {
  /// Forward: groups of 16 channels. Gradient: tiles.
  var count: Int
  var a: FloatsIn
  /// Forward: floats from one group of channels to the next.
  var aStep: Int
  /// Lines of one vector.
  var b: FloatsIn
  /// Rows of one vector, side by side.
  var c: FloatsOut
  /// Add to what is there.
  var add: Bool
  /// Forward: register tiles side by side.
  var repeats = 1

  @inline(__always)
  func run<let R: Int, V: Vector>(_ tile: Tile<R, V>.Type) { tile.winograd(self) }
}

extension Tile {
  /// c[tile][lane] (+)= sum over channels of V[tile][channel] U[channel][lane], for `repeats` times
  /// R tiles.
  @inline(never)
  fileprivate static func winograd(_ t: WinogradTask) {
    var (first, c) = (t.a, t.c)
    for _ in 0..<t.repeats {
      var sums = t.add ? Sums { i in V.load(FloatsIn(c + i &* V.lanes)) } : zero()
      var (a, b) = (first, t.b)
      for _ in 0..<t.count {
        // Rows of the next group of channels; behind the last one follows the next xi.
        var next = a + t.aStep
        var turns = groupLanes / 4
        while turns > 0 {
          for i in 0..<(R + 3) / 4 { csimd_prefetch(next + i &* groupLanes) }
          stepAhead(&sums, a, b)
          stepAhead(&sums, a + 1, b + V.lanes)
          stepAhead(&sums, a + 2, b + 2 &* V.lanes)
          stepAhead(&sums, a + 3, b + 3 &* V.lanes)
          a += 4
          b += 4 &* V.lanes
          next += (R + 3) / 4 &* groupLanes
          turns &-= 1
        }
        a += t.aStep &- groupLanes
      }
      for i in 0..<R { sums[unchecked: i].store(c + i &* V.lanes) }
      first += R &* groupLanes
      c += R &* V.lanes
    }
  }

  /// c[channel][lane] (+)= sum over tiles of V[tile][channel] Z[tile][lane].
  @inline(never)
  fileprivate static func winogradGradient(_ t: WinogradTask) {
    for i in 0..<R {
      csimd_prefetch(t.c + i &* V.lanes)
      csimd_prefetch(t.c + (i &* V.lanes &+ V.lanes / 2))
    }
    var sums = zero()
    multiply(&sums, t.count, t.a, groupLanes, t.b, V.lanes)
    if t.add {
      for i in 0..<R {
        sums[unchecked: i] = V.add(V.load(FloatsIn(t.c + i &* V.lanes)), sums[unchecked: i])
      }
    }
    for i in 0..<R { sums[unchecked: i].store(t.c + i &* V.lanes) }
  }

  /// One step, which asks for the line of `b` that comes some steps later.
  @inline(__always)
  private static func stepAhead(_ sums: inout Sums, _ a: FloatsIn, _ b: FloatsIn) {
    csimd_prefetch(b + 16 &* V.lanes)
    csimd_prefetch(b + (16 &* V.lanes &+ V.lanes / 2))
    let column = V.load(b)
    for i in 0..<R {
      sums[unchecked: i] = V.fma(a[i &* groupLanes], column, sums[unchecked: i])
    }
  }
}

/// Runs `tiles` tiles with vectors of `lanes`, in the fewest register tiles: some of one size, others
/// of one row less.
@inline(__always)
func runWinograd(_ tiles: Int, _ lanes: Int, _ task: WinogradTask) {
  let parts = (tiles &+ tileRows &- 1) / tileRows
  let rows = (tiles &+ parts &- 1) / parts
  var t = task
  t.repeats = tiles &- parts &* (rows &- 1)
  t.run(rows, lanes: lanes)
  let done = t.repeats &* rows
  guard done < tiles else { return }
  (t.a, t.c) = (task.a + done &* groupLanes, task.c + done &* lanes)
  t.repeats = parts &- t.repeats
  t.run(rows &- 1, lanes: lanes)
}

/// Runs all 16 channels of a group, whose rows `t.a` and `t.c` begin at.
@inline(__always)
func runWinogradGradient(_ lanes: Int, _ t: WinogradTask) {
  if lanes == wide { runGroup(Wide.self, t) } else { runGroup(Half.self, t) }
}

@inline(__always)
private func runGroup<V: Vector>(_ vector: V.Type, _ t: WinogradTask) {
  var t = t
  #if KERNEL_AVX512
    for _ in 0..<2 {
      Tile<8, V>.winogradGradient(t)
      t.a += 8
      t.c += 8 &* V.lanes
    }
  #else
    for _ in 0..<2 {
      Tile<5, V>.winogradGradient(t)
      t.a += 5
      t.c += 5 &* V.lanes
    }
    Tile<6, V>.winogradGradient(t)
  #endif
}
