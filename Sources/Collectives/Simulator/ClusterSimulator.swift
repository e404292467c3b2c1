// How long an all-reduce, or a training step, takes on a cluster that is not there: the schedules
// of all ranks, run on a model of nodes, ports and processors. The semantics are the runner's.
//
//   a node     one port, up and down at full speed at once; memory that its ranks share
//   a message  sender's overhead; [asking and answering]; bytes / share of the ports; latency;
//              receiver's overhead; the addition
//   a rank     one processor, or a share of the node's; it computes while messages travel
//
// Sources: LogGP (Alexandrov et al. 1995); fluid networks with max-min fairness as in SimGrid
// (Casanova et al. 2014). Cost: a microsecond per simulated message; see `Representatives`.

/// Predicts times on a cluster.
public struct ClusterSimulator: Sendable {
  /// What the cluster costs.
  public let model: ClusterModel
  /// Its nodes and ranks.
  public let topology: Topology
  /// How values travel.
  public let wire: WireFormat

  /// Messages that are followed one by one. More are avoided: see `step`.
  var messageLimit = 60_000

  /// A part of a training step: every rank computes for `seconds`, then the all-reduce of `count`
  /// elements begins, and the next stage's computing too.
  public struct Stage: Sendable, Equatable {
    /// Computing time.
    public var seconds: Double
    /// Elements; 0: nothing begins.
    public var count: Int

    /// A stage.
    public init(seconds: Double, count: Int) { (self.seconds, self.count) = (seconds, count) }
  }

  /// What came out.
  public struct Outcome: Sendable, Equatable {
    /// From the start to the moment when the last rank is done.
    public let seconds: Double
    /// Messages and bytes that one rank sends, on average.
    public let messagesPerRank, bytesPerRank: Double
    /// Ranks that were followed; the others do what one of them does.
    public let representatives: Int
    /// Elements that were summed.
    public let elements: Int
    /// Nodes of the largest cluster simulated: fewer than asked for where the time was followed
    /// along log2(nodes).
    public var nodes: Int
  }

  /// - Throws: if the model's parameters cannot be.
  public init(_ model: ClusterModel, topology: Topology, wire: WireFormat = .float32)
    throws(SimulationError)
  {
    if let objection = model.objection { throw SimulationError(objection) }
    (self.model, self.topology, self.wire) = (model, topology, wire)
  }

  /// The time of one all-reduce of `count` elements, when all ranks begin together.
  ///
  /// - Throws: as `step`.
  public func allReduce(_ algorithm: any AllReduceAlgorithm, count: Int)
    throws(SimulationError) -> Outcome
  {
    try step(algorithm, stages: [Stage(seconds: 0, count: count)])
  }

  /// The time of a training step whose gradients are summed while it goes on computing. Messages
  /// move by themselves; what they cost a rank's processor is taken from its computing.
  ///
  /// Few ranks stand for all where all do the same (see `Representatives`). Where there are too many
  /// messages to follow, the time lies between those of the next smaller and larger numbers of
  /// elements that make blocks equal, and ranks too; if those do not, smaller clusters are simulated,
  /// and the time followed along log2(nodes).
  ///
  /// - Throws: if the algorithm cannot work on the topology, or is its library's secret, or has too
  ///   many messages.
  public func step(_ algorithm: any AllReduceAlgorithm, stages: [Stage])
    throws(SimulationError) -> Outcome
  {
    if let objection = algorithm.objection(to: topology) {
      throw SimulationError("\(algorithm.name): \(objection)")
    }
    let exact = programs(algorithm, stages.map(\.count))
    if let representatives = try symmetry(exact) { return try run(exact, representatives, stages) }
    let messages = messageEstimate(algorithm, stages)
    // Less than an element per rank: larger numbers tell nothing about it.
    let isShort = stages.contains { $0.count > 0 && $0.count < topology.ranks }
    if messages <= (isShort ? 10 : 1) * messageLimit {
      return try run(exact, Representatives(all: topology.ranks), stages)
    }
    let more = evened(stages, .up)
    if let who = try symmetry(programs(algorithm, more.map(\.count))) {
      func outcome(_ stages: [Stage]) throws(SimulationError) -> Outcome {
        try run(programs(algorithm, stages.map(\.count)), who, stages)
      }
      let most = try outcome(more)
      if isShort { return most }
      return most.between(
        try outcome(evened(stages, .down)), elements: stages.reduce(0) { $0 + $1.count })
    }
    return try onFewerNodes(algorithm, stages)
  }

  /// With numbers of elements that give every rank equal blocks.
  private func evened(_ stages: [Stage], _ direction: FloatingPointRoundingRule) -> [Stage] {
    stages.map { stage in
      let line = 16 * topology.ranks
      let unit = stage.count < line ? topology.ranks : line
      let units = (Double(stage.count) / Double(unit)).rounded(direction)
      return Stage(seconds: stage.seconds, count: Int(units) * unit)
    }
  }

  /// The time on half the nodes, a quarter and so on grows by equal parts for trees, whatever they
  /// do; where it does not, there is nothing to go by.
  private func onFewerNodes(_ algorithm: any AllReduceAlgorithm, _ stages: [Stage])
    throws(SimulationError) -> Outcome
  {
    func part(_ nodes: Int) -> [Int] { topology.nodes.filter { $0 < nodes } }
    let all = topology.members.count
    var halvings = 0
    var points: [Outcome] = []
    while points.count < 3 {
      if points.isEmpty { halvings += 1 }
      let nodes = all >> (halvings + points.count)
      guard nodes > 4 else { break }
      var smaller = try ClusterSimulator(
        model, topology: Topology(nodes: part(nodes)), wire: wire)
      smaller.messageLimit = messageLimit
      if points.isEmpty {
        guard smaller.messageEstimate(algorithm, stages) <= messageLimit / 2 else { continue }
      }
      points.append(try smaller.step(algorithm, stages: stages))
    }
    let times = points.map(\.seconds)
    guard times.count == 3,
      abs((times[0] - times[1]) - (times[1] - times[2])) * Double(halvings) < 0.05 * times[0]
    else {
      throw SimulationError(
        "\(algorithm.name) on \(topology.ranks) ranks: too many messages to follow, no symmetry "
          + "among ranks, and no rule by which the time grows with them")
    }
    let seconds = times[0] + Double(halvings) * (times[0] - times[1])
    return Outcome(
      seconds: seconds, messagesPerRank: points[0].messagesPerRank,
      bytesPerRank: points[0].bytesPerRank, representatives: points[0].representatives,
      elements: points[0].elements, nodes: points[0].nodes)
  }

  /// The time of any schedules, one per rank.
  func run(_ schedules: [Schedule], useSymmetry: Bool = true) throws(SimulationError) -> Outcome {
    precondition(schedules.count == topology.ranks, "one schedule per rank")
    let programs = { rank throws(SimulationError) in
      [try RankProgram(schedules[rank], model, wire)]
    }
    let representatives = useSymmetry ? try symmetry(programs) : nil
    return try run(
      programs, representatives ?? Representatives(all: topology.ranks),
      [Stage(seconds: 0, count: 0)])
  }

  /// What ranks do in each stage.
  private func programs(_ algorithm: any AllReduceAlgorithm, _ counts: [Int])
    -> (Int) throws(SimulationError) -> [RankProgram]
  {
    { rank throws(SimulationError) in
      var programs: [RankProgram] = []
      for count in counts {
        let schedule = algorithm.schedule(rank: rank, topology: topology, count: count)
        programs.append(try RankProgram(schedule, model, wire))
      }
      return programs
    }
  }

  private func run(
    _ programs: (Int) throws(SimulationError) -> [RankProgram], _ who: Representatives,
    _ stages: [Stage]
  ) throws(SimulationError) -> Outcome {
    // One block per stage, one program per representative in it.
    var all: [RankProgram] = []
    var byRank: [[RankProgram]] = []
    for number in 0..<who.count { byRank.append(try programs(who.rank(of: number))) }
    for stage in stages.indices { all += byRank.map { $0[stage] } }
    let computes = stages.contains { $0.seconds > 0 }
    var engine = try ClusterEngine(
      model, topology, who, all, computing: computes ? RankProgram(computing: stages) : nil)
    let sends = all.joined { $0.sends }
    return Outcome(
      seconds: try engine.run(),
      messagesPerRank: Double(sends.count) / Double(who.count),
      bytesPerRank: sends.bytes / Double(who.count), representatives: who.count,
      elements: stages.reduce(0) { $0 + $1.count }, nodes: topology.members.count)
  }

  private func symmetry(_ programs: (Int) throws(SimulationError) -> [RankProgram])
    throws(SimulationError) -> Representatives?
  {
    guard model.nodeSpeed.isEmpty else { return nil }
    return try Representatives.find(topology, programs: programs)
  }

  /// Messages of all ranks, from a few.
  private func messageEstimate(_ algorithm: any AllReduceAlgorithm, _ stages: [Stage]) -> Int {
    let samples = Set([0, 1, 2, 3, 5].map { topology.ranks * $0 / 6 } + [1, topology.ranks - 1])
      .filter { $0 < topology.ranks }
    var messages = 0
    for rank in samples {
      for stage in stages {
        let schedule = algorithm.schedule(rank: rank, topology: topology, count: stage.count)
        messages += schedule.rounds.joined().reduce(0) { sum, transfer in
          if case .send = transfer { sum + 1 } else { sum }
        }
      }
    }
    return messages * topology.ranks / samples.count
  }
}

extension ClusterSimulator.Outcome {
  /// What lies between this and one of fewer elements.
  fileprivate func between(_ less: Self, elements: Int) -> Self {
    guard self.elements > less.elements else { return self }
    let share = Double(elements - less.elements) / Double(self.elements - less.elements)
    func mix(_ path: KeyPath<Self, Double>) -> Double {
      less[keyPath: path] + share * (self[keyPath: path] - less[keyPath: path])
    }
    return Self(
      seconds: mix(\.seconds), messagesPerRank: mix(\.messagesPerRank),
      bytesPerRank: mix(\.bytesPerRank), representatives: representatives, elements: elements,
      nodes: nodes)
  }
}

extension [RankProgram] {
  fileprivate func joined(_ ends: (RankProgram) -> [RankProgram.End]) -> (count: Int, bytes: Double)
  {
    reduce((0, 0)) { sum, program in
      let list = ends(program)
      return (sum.0 + list.count, sum.1 + list.reduce(0) { $0 + $1.bytes })
    }
  }
}
