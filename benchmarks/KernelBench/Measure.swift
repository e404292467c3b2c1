// Timing: minimum and median over repetitions, with the machine's multiply-add peak measured in
// between, because clocks float.

import Basics
import Foundation
import Kernels

/// Seconds of the fastest and of the middle repetition.
struct Timing {
  var best: Double
  var median: Double
}

/// Processor time of this thread in seconds: what others do on the machine counts little.
func now() -> Double {
  var t = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t)
  return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
}

/// Runs `body` for about `seconds`, at least seven times, after one run to warm up.
func measure(_ seconds: Double = 0.15, _ body: () -> Void) -> Timing {
  body()
  var times: [Double] = []
  let end = now() + seconds
  repeat {
    let start = now()
    body()
    times.append(now() - start)
  } while times.count < 7 || (now() < end && times.count < 20_000)
  times.sort()
  return Timing(best: times[0], median: times[times.count / 2])
}

/// Random floats.
func randomBuffer(_ count: Int, _ seed: UInt64 = 1) -> FloatBuffer {
  let buffer = FloatBuffer(count: count)
  var state = seed
  for i in 0..<count {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    buffer[i] = Float(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
  }
  return buffer
}

/// Stops the program when two results differ by more than `bound`.
func expectClose(_ a: FloatBuffer, _ b: FloatBuffer, _ bound: Float, _ what: String) {
  for i in 0..<a.count where !(abs(a[i] - b[i]) <= bound * max(1, abs(b[i]))) {
    fatalError("\(what): element \(i) is \(a[i]), not \(b[i])")
  }
}

/// `text` padded to `width`.
func column(_ text: String, _ width: Int) -> String {
  text.count >= width ? text : text + String(repeating: " ", count: width - text.count)
}

/// `value` with `digits` decimals in `width` places.
func number(_ value: Double, _ digits: Int = 1, _ width: Int = 9) -> String {
  let text = String(format: "%.\(digits)f", value)
  return String(repeating: " ", count: max(0, width - text.count)) + text
}

/// Keeps a result, and the work behind it, alive.
@inline(never)
func consume(_ value: Float) {
  if value == .leastNonzeroMagnitude { print(value) }
}
