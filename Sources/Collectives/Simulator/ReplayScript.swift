// What ranks do, as text that other simulators can replay: one line per step, times in seconds.
//
//   work SECONDS            computes
//   post R PEER BYTES       posts receive number R
//   send S PEER BYTES       starts send number S
//   take R                  waits for what receive number R takes
//   settle S                waits until send number S is complete
//   fence                   meets the other ranks of the node

extension ClusterSimulator {
  /// The steps of `rank` in one all-reduce of `count` elements.
  ///
  /// - Throws: as `step`.
  public func script(of algorithm: any AllReduceAlgorithm, count: Int, rank: Int)
    throws(SimulationError) -> String
  {
    let schedule = algorithm.schedule(rank: rank, topology: topology, count: count)
    let program = try RankProgram(schedule, model, wire)
    func end(_ end: RankProgram.End) -> String { "\(end.peer) \(Int(end.bytes))" }
    var text = ""
    for instruction in program.instructions {
      let index = Int(instruction.index)
      switch instruction.kind {
      case .work: text += "work \(instruction.amount)\n"
      case .post: text += "post \(index) \(end(program.receives[index]))\n"
      case .send: text += "send \(index) \(end(program.sends[index]))\n"
      case .take: text += "take \(index)\n"
      case .settle: text += "settle \(index)\n"
      case .fence: text += "fence\n"
      case .launch: break
      }
    }
    return text
  }
}
