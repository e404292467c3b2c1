// Runs programs on a model of a cluster, event by event. A process (one rank's part in one stage)
// goes on until its next instruction takes time or waits for something; what it waits for wakes it.
//
// Cost: about four events per message, O(log events) each; a microsecond per message.

/// The state of a simulation.
struct ClusterEngine {
  private struct Process {
    var next: Int
    var end: Int
    var isEmpty: Bool
    var firstSend: Int, firstReceive: Int
    /// Which set of shared processors it runs on; -1: it has one to itself.
    var processors: Int
  }

  private let model: ClusterModel
  private let period: Int
  /// The message of each receive.
  private let received: [Int32]
  private var traffic: MessageTraffic
  private var processors: [SharedProcessors]
  private var queue = EventQueue()
  private var instructions: [Instruction] = []
  private var processes: [Process] = []
  /// Processes at the fence of a node in a stage, and how many will come.
  private var atFence: [[Int32]]
  private var comingToFence: [Int]
  /// The node of each representative.
  private let nodes: [Int]
  private let nodeCount: Int
  private var now = 0.0
  private var unfinished: Int

  /// - Parameters:
  ///   - programs: of representative r in stage s: number `s * representatives.count + r`.
  ///   - computing: what starts the stages, for each representative; nil: all start at time 0.
  init(
    _ model: ClusterModel, _ topology: Topology, _ representatives: Representatives,
    _ programs: [RankProgram], computing: RankProgram?
  ) throws(SimulationError) {
    let matching = try MessageMatching(programs, representatives, topology)
    self.model = model
    period = representatives.count
    received = matching.received
    nodes = (0..<period).map { topology.nodes[representatives.rank(of: $0)] }
    nodeCount = (nodes.max() ?? 0) + 1
    var network = FlowNetwork(
      speeds: (0..<nodeCount).map {
        model.bandwidth * (model.nodeSpeed[$0] ?? 1) * representatives.shareOfNode
      },
      fabric: model.fabric.map { $0 * representatives.share })
    for message in matching.messages {
      // Where few stand for all, equal nodes' ports are one.
      network.append(
        bytes: message.bytes, from: nodes[Int(message.sender) % period],
        to: nodes[Int(message.receiver) % period])
    }
    traffic = MessageTraffic(matching, network, model)
    let all = programs + Array(repeating: computing, count: period).compactMap { $0 }
    let stages = programs.count / period
    atFence = Array(repeating: [], count: nodeCount * stages)
    comingToFence = Array(repeating: 0, count: atFence.count)
    processors = []
    unfinished = all.count { !$0.instructions.isEmpty }
    let shared = Self.sharing(
      model, topology, representatives, processes: all.count / period, &processors)
    for (number, program) in all.enumerated() {
      let isComputing = number >= programs.count
      processes.append(
        Process(
          next: instructions.count, end: instructions.count + program.instructions.count,
          isEmpty: program.instructions.isEmpty,
          firstSend: isComputing ? 0 : matching.firstSend[number],
          firstReceive: isComputing ? 0 : matching.firstReceive[number],
          processors: shared[number % period]))
      instructions += program.instructions
      if !isComputing { comingToFence[fence(of: number)] += 1 }
      if computing == nil || isComputing { queue.push(Event(.resume, number, at: 0)) }
    }
  }

  /// The processors that each representative's processes share; -1 where they need not.
  private static func sharing(
    _ model: ClusterModel, _ topology: Topology, _ representatives: Representatives,
    processes: Int, _ processors: inout [SharedProcessors]
  ) -> [Int] {
    func add(_ cores: Double) -> Int {
      processors.append(SharedProcessors(cores: cores))
      return processors.count - 1
    }
    let all = 0..<representatives.count
    if model.isOneMachine, let cores = model.cores {
      let machine = add(Double(cores) * representatives.share)
      return all.map { _ in machine }
    }
    var ofNode: [Int: Int] = [:]
    return all.map { representative in
      let node = topology.nodes[representatives.rank(of: representative)]
      guard let cores = model.cores, cores < topology.members[node].count else {
        return processes > 1 ? add(1) : -1
      }
      let number = ofNode[node] ?? add(Double(cores) * representatives.shareOfNode)
      ofNode[node] = number
      return number
    }
  }

  private func fence(of process: Int) -> Int {
    process / period * nodeCount + nodes[process % period]
  }

  /// Runs to the end.
  ///
  /// - Returns: the time at which the last process was done.
  mutating func run() throws(SimulationError) -> Double {
    var finish = 0.0
    while true {
      if traffic.network.isUnsettled, queue.nextTime.map({ $0 > now }) ?? true {
        traffic.network.settle(at: now, &queue)
      }
      guard let event = queue.pop() else { break }
      now = event.time
      let subject = Int(event.subject)
      switch event.kind {
      case .resume:
        if goOn(subject) { finish = now }
      case .begin: traffic.leave(subject, at: now, &queue)
      case .end: traffic.end(subject, event.version, at: now, &queue)
      case .processor:
        if let process = processors[subject].finish(version: event.version, at: now) {
          foresee(subject)
          if goOn(process) { finish = now }
        }
      }
    }
    guard unfinished == 0 else {
      throw SimulationError("deadlock: \(unfinished) processes wait for what never comes")
    }
    return finish
  }

  // MARK: processes

  /// Executes instructions until one takes time; true if none is left.
  private mutating func goOn(_ process: Int) -> Bool {
    while processes[process].next < processes[process].end {
      let instruction = instructions[processes[process].next]
      let index = Int(instruction.index)
      switch instruction.kind {
      case .work:
        processes[process].next += 1
        compute(process, instruction.amount)
        return false
      case .send:
        traffic.send(processes[process].firstSend + index, at: now, &queue)
      case .settle:
        guard traffic.isSettled(processes[process].firstSend + index) else { return false }
      case .post:
        traffic.post(Int(received[processes[process].firstReceive + index]), at: now, &queue)
      case .take:
        let message = Int(received[processes[process].firstReceive + index])
        guard traffic.hasArrived(message, at: now, &queue) else { return false }
      case .fence:
        processes[process].next += 1
        meet(process)
        return false
      case .launch: queue.push(Event(.resume, index * period + process % period, at: now))
      }
      processes[process].next += 1
    }
    if !processes[process].isEmpty { unfinished -= 1 }
    return true
  }

  private mutating func compute(_ process: Int, _ seconds: Double) {
    let shared = processes[process].processors
    if shared < 0 {
      queue.push(Event(.resume, process, at: now + seconds))
    } else {
      processors[shared].add(process, seconds, at: now)
      foresee(shared)
    }
  }

  private mutating func foresee(_ shared: Int) {
    guard let time = processors[shared].nextEnd else { return }
    queue.push(
      Event(.processor, shared, at: time, version: processors[shared].version))
  }

  private mutating func meet(_ process: Int) {
    let fence = fence(of: process)
    atFence[fence].append(Int32(process))
    guard atFence[fence].count == comingToFence[fence] else { return }
    for other in atFence[fence] { queue.push(Event(.resume, Int(other), at: now + model.fence)) }
    atFence[fence].removeAll(keepingCapacity: true)
  }
}
