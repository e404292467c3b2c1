// What a rank's processor does for a schedule, step by step, as `ScheduleRunner` does it: receives
// are posted and sends started, the round's own and those that may go ahead, sums made, arrivals
// taken in their order, sends waited for.

/// One step of a rank's processor.
struct Instruction: Equatable {
  enum Kind: UInt8 {
    /// Computes for `amount` seconds.
    case work
    /// Starts send number `index`; waits until it is complete.
    case send, settle
    /// Posts receive number `index`; waits until it is there.
    case post, take
    /// Meets the other ranks of the node.
    case fence
    /// Lets stage number `index` of the rank begin.
    case launch
  }

  var kind: Kind
  var index: Int32 = 0
  var amount = 0.0
}

/// A schedule's costs and messages, for one rank.
struct RankProgram {
  /// One end of a message.
  struct End {
    var peer: Int32
    var bytes: Double
  }

  private(set) var instructions: [Instruction] = []
  private(set) var sends: [End] = []
  private(set) var receives: [End] = []

  init(_ schedule: Schedule, _ model: ClusterModel, _ wire: WireFormat) throws(SimulationError) {
    // A transfer is one message here, however many the runner makes of it: they follow each other
    // without a gap.
    let plan = Plan(schedule, wire: wire, longest: .max)
    guard plan.libraries.isEmpty else {
      throw SimulationError(
        "the schedule calls the messaging library's own all-reduce, whose costs it keeps to itself")
    }
    func bytes(_ range: Range<Int>) -> Double { Double(range.count * wire.bytesPerElement) }
    sends = plan.sends.map { End(peer: Int32($0.peer), bytes: bytes($0.range)) }
    // Receives are numbered without the loads among them.
    var numbers = [Int32](repeating: -1, count: plan.incoming.count)
    for (place, incoming) in plan.incoming.enumerated() where !incoming.isLoad {
      numbers[place] = Int32(receives.count)
      receives.append(End(peer: Int32(incoming.peer), bytes: bytes(incoming.range)))
    }
    for round in plan.rounds {
      for place in round.posts where numbers[place] >= 0 { append(.post, numbers[place]) }
      for place in round.starts {
        let send = plan.sends[place]
        // Encoding reads and writes the vector, and writes what is sent.
        if send.staging != nil { work(Double(3 * send.range.count * 4) * model.memoryCost) }
        work(model.sendOverhead)
        append(.send, Int32(place))
      }
      if round.fence { append(.fence, 0) }
      for place in round.sums {
        let sum = plan.sums[place]
        pass(sum.over.count + sum.into.count, sum.range, model)
      }
      for place in round.additions { pass(3, plan.additions[place].range, model) }
      take(round, plan, numbers, model)
    }
    guard wire != .float32 else { return }
    switch plan.finalRounding {
    case .ranges(let ranges): for range in ranges { pass(2, range, model) }
    case .everything: pass(2, 0..<plan.count, model)
    }
  }

  /// Arrivals in their order, then the end of the round's sends.
  private mutating func take(
    _ round: Plan.Round, _ plan: Plan, _ numbers: [Int32], _ model: ClusterModel
  ) {
    var isSettled = false
    for place in round.incoming {
      let incoming = plan.incoming[place]
      if !incoming.isLoad {
        append(.take, numbers[place])
        work(model.receiveOverhead)
      }
      if incoming.afterSends, !isSettled {
        for send in round.sends { append(.settle, Int32(send)) }
        isSettled = true
      }
      switch (incoming.isLoad, incoming.arrival) {
      case (true, .add): pass(3, incoming.range, model)
      case (true, .copy): pass(2, incoming.range, model)
      case (false, .add): work(Double(incoming.range.count * 4) * model.reduceCost)
      case (false, .copy): if incoming.staging != nil { pass(2, incoming.range, model) }
      }
    }
    if !isSettled { for send in round.sends { append(.settle, Int32(send)) } }
  }

  /// A rank that computes, and lets stage after stage begin.
  init(computing stages: [ClusterSimulator.Stage]) {
    for (number, stage) in stages.enumerated() {
      work(stage.seconds)
      if stage.count > 0 { append(.launch, Int32(number)) }
    }
  }

  private mutating func append(_ kind: Instruction.Kind, _ index: Int32) {
    instructions.append(Instruction(kind: kind, index: index))
  }

  /// So many floats' worth of memory, read or written; it holds floats, whatever travels.
  private mutating func pass(_ times: Int, _ range: Range<Int>, _ model: ClusterModel) {
    work(Double(times * range.count * 4) * model.memoryCost)
  }

  private mutating func work(_ seconds: Double) {
    guard seconds > 0 else { return }
    if let last = instructions.last, last.kind == .work {
      instructions[instructions.count - 1].amount += seconds
    } else {
      instructions.append(Instruction(kind: .work, amount: seconds))
    }
  }
}
