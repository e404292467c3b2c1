// What a person should know when gradients do not fit their wire format: an infinite gradient makes
// parameters that are not numbers, and the run ends in the step after.

import Collectives

extension LogLine {
  /// Says on this line that so many values became infinite; nothing if none did.
  mutating func report(overflows: Int, wire: WireFormat, by step: Int) {
    guard overflows > 0 else { return }
    self.overflows = overflows
    let other: WireFormat = wire == .float16 ? .bfloat16 : .float32
    note =
      "\(wire) overflow: \(overflows) gradient values became infinity by step \(step);"
      + " try --wire \(other), a lower --learning-rate or --clip 1"
  }
}
