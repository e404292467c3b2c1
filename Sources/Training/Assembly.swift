// From a job to everything that runs it on one rank: data, network, replica, optimizer, method.

import Basics
import Collectives
import Datasets
import Foundation
import Kernels
import Layers
import Messaging
import Optimizers
import Strategies

/// What a job consists of on one rank.
struct Assembly {
  let reader: BatchReader
  let evaluation: Evaluation
  let worker: Worker
  let strategy: any Strategy
  let facts: CheckpointFacts
  /// How gradients are summed; nil where that leaves no choice.
  let tuning: Tuning?
  let totalSteps, stepsPerEpoch: Int

  /// Loads data and plans memory. Collective.
  ///
  /// - Parameters:
  ///   - own: a model that is in no catalogue.
  ///   - stored: what an earlier start of the run has measured; measured anew where it does not fit.
  ///   - trace: where spans of time are recorded.
  init(
    _ job: Job, model own: ModelRecipe? = nil, stored: Tuning? = nil, trace: Trace? = nil,
    over communicator: any Communicator,
    kernels: KernelTable
  ) throws {
    // Names and numbers are looked at before the data, which may take long to load.
    let agreement = Agreement(over: communicator)
    let parts = try agreement.agree { try Parts(job, own, ranks: communicator.size) }
    let data = try agreement.agree { try parts.data.open(parts.dataSettings) }
    try DataIdentity(of: [data.training, data.heldOut], kernels: kernels).check(job.data, agreement)
    let (network, reader) = try agreement.agree {
      let workers = parts.strategy.workers(of: communicator.size)
      let mine = workers.contains(communicator.rank) ? communicator.rank - workers.lowerBound : nil
      let lanes = job.lanes ?? workers.count
      let reader = BatchReader(
        data.training, globalBatch: job.batch, parts: lanes,
        mine: mine.map { LaneSum.lanes(of: $0, ranks: workers.count, lanes: lanes) } ?? 0..<0,
        seed: job.seed, kernels: kernels)
      // Room for evaluation too, in pieces that are not tiny where the share of a step is.
      let network = try parts.model.make(
        for: data.training.space, settings: parts.modelSettings,
        capacity: max(reader.cut.largestShare(parts: lanes, count: 1), 32),
        convolution: job.convolution, kernels: kernels)
      try network.requireTargets(of: data.training, named: job.data)
      try Checkpoint.requireFreeNames(network.layout)
      return (network, reader)
    }
    let steps = reader.cut.stepsPerEpoch
    let total = try agreement.agree {
      let (product, overflow) = job.epochs.multipliedReportingOverflow(by: steps)
      guard job.steps != nil || (!overflow && product <= Job.mostSteps) else {
        throw UsageError("--epochs \(job.epochs): at most \(Job.mostSteps) steps can be made")
      }
      return job.steps ?? product
    }
    let rate = parts.rate
    let group = try RankGroup(communicator)
    try agreement.agree {
      if let objection = parts.allReduce?.objection(to: group.topology) {
        throw UsageError("--all-reduce \(job.allReduce): \(objection)")
      }
      try NodeMemory.check(
        network, slots: parts.optimizer.slots.count,
        shards: parts.update == .sharded ? communicator.size : 1, ranks: group.neighbours.count)
    }
    if job.lanes != nil || group.topology.isOneNode {
      // Within a node shared memory is the fastest for gradients of any length, and its sums do not
      // depend on the cut into buckets: equal runs give equal bits, as they would not if a
      // measurement decided.
      tuning = nil
    } else if let stored, stored.fits(job, group, elements: network.layout.count) {
      tuning = stored
    } else {
      tuning = try Tuning(job, layout: network.layout, in: group, kernels: kernels)
    }
    let tuned = try tuning.map { tuning throws(UnknownName) in
      try TunedAllReduce(tuning.choices)
    }
    let untuned: any AllReduceAlgorithm =
      group.topology.isOneNode ? SharedMemoryAllReduce() : RingAllReduce()
    let allReduce = parts.allReduce ?? tuned ?? untuned
    let bucket = tuning?.bucket ?? job.bucket ?? 1 << 18
    let plan = GradientPlan(
      layout: network.layout, topology: group.topology, allReduce: allReduce, wire: parts.wire,
      bucketBytes: bucket, update: parts.update, needsWholeGradient: job.clip != nil,
      lanes: job.lanes)
    let worker = Worker(
      group: group, objective: network,
      replica: try Replica(
        plan: plan, slots: parts.optimizer.slots.count, seed: job.seed, in: group),
      optimizer: parts.optimizer, allReduce: allReduce, wire: parts.wire,
      learningRate: { rate.rate(step: $0 - 1, stepsPerEpoch: steps, totalSteps: total) },
      clip: job.clip.map { GradientClip(limit: Float($0)) }, bucketBytes: bucket,
      plan: plan, laneBatch: job.lanes == nil ? nil : { reader.part($0, of: $1) }, trace: trace,
      kernels: kernels)
    network.record(in: trace)
    self.worker = worker
    strategy = try agreement.agree { try parts.strategy.init(worker, parts.strategySettings) }
    evaluation = Evaluation(
      of: network, on: data.heldOut, over: communicator, kernels: kernels)
    facts = CheckpointFacts(
      step: 0, updates: 0, model: job.model, strategy: job.strategy, optimizer: job.optimizer,
      input: data.training.sampleShape.dimensions, classes: data.training.classes,
      batch: job.batch, samples: data.training.count, seed: job.seed, lanes: job.lanes,
      settings: parts.modelSettings, convolution: job.convolution,
      layers: try job.layers.map { try NetworkYAML.text($0) }, coding: data.training.coding,
      methods: network.layers.compactMap { layer in layer.method.map { "\(layer.name) \($0)" } }
        .joined(separator: ", "))
    (self.reader, totalSteps, stepsPerEpoch) = (reader, total, steps)
  }

  /// What the job's names stand for.
  private struct Parts {
    let model: ModelRecipe
    let modelSettings: [String: String]
    let data: DatasetSpecification
    let dataSettings: [String: String]
    let strategy: any Strategy.Type
    let strategySettings: Settings
    let optimizer: any Optimizer
    /// nil: the fastest.
    let allReduce: (any AllReduceAlgorithm)?
    let wire: WireFormat
    let update: UpdatePlacement
    let rate: LearningRate

    private static func update(_ job: Job, _ strategy: any Strategy.Type) throws
      -> UpdatePlacement
    {
      let names = UpdatePlacement.allCases.map(\.rawValue)
      guard let update = UpdatePlacement(rawValue: job.update) else {
        throw UnknownName(kind: "update", name: job.update, known: names)
      }
      let flags =
        [
          ("--update \(job.update)", update != .replicated),
          ("--wire \(job.wire)", job.wire != WireFormat.float32.rawValue),
        ] + (job.lanes.map { [("--lanes \($0)", true)] } ?? [])
      for (flag, isAsked) in flags where isAsked && !strategy.sumsGradients {
        throw UsageError(
          "\(flag): --strategy \(job.strategy) does not sum gradients in every step")
      }
      return update
    }

    init(_ job: Job, _ own: ModelRecipe?, ranks: Int) throws {
      strategy = try strategyCatalog.find(job.strategy)
      let workers = strategy.workers(of: ranks)
      guard !workers.isEmpty else {
        throw UsageError(
          "--strategy \(job.strategy) needs more ranks than \(ranks): some serve, others work")
      }
      try job.validate(workers: workers.count)
      let sums = [
        ("--all-reduce \(job.allReduce)", job.allReduce != TunedAllReduce.autoName),
        ("--bucket \(job.bucket ?? 0)", job.bucket != nil),
      ]
      for (flag, isAsked) in sums where isAsked && workers.count < ranks {
        throw UsageError(
          "\(flag): with --strategy \(job.strategy) some ranks serve, and nothing is summed over all"
        )
      }
      model =
        try own ?? job.layers.map(ModelRecipe.described) ?? modelCatalog.find(job.model)
      data = try DatasetSpecification(job.data)
      if job.allReduce == TunedAllReduce.autoName {
        allReduce = nil
      } else {
        let known = allReduceCatalog.names + [TunedAllReduce.autoName]
        guard known.contains(job.allReduce) else {
          throw UnknownName(kind: allReduceCatalog.kind, name: job.allReduce, known: known)
        }
        allReduce = try allReduceCatalog.find(job.allReduce)
      }
      wire = try wireFormatCatalog.find(job.wire)
      update = try Self.update(job, strategy)
      let optimizerRecipe = try optimizerCatalog.find(job.optimizer)
      let scheduleRecipe = try scheduleCatalog.find(job.schedule)
      // A setting belongs to every part that declares it, and to at least one.
      let declared: [(String, [Setting])] = [
        (job.strategy, strategy.settings), (job.optimizer, optimizerRecipe.settings),
        (job.schedule, scheduleRecipe.settings), (job.model, model.settings),
        (data.name, data.format.settings),
      ]
      let known = declared.flatMap { $0.1.map(\.name) }
      for name in job.settings.keys.sorted() where !known.contains(name) {
        throw UnknownName(kind: "setting", name: name, known: known)
      }
      func settings(_ index: Int) throws -> Settings {
        let (owner, list) = declared[index]
        return try Settings(of: owner, declared: list, given: list.selection(from: job.settings))
      }
      modelSettings = model.settings.selection(from: job.settings)
      dataSettings = data.format.settings.selection(from: job.settings)
      strategySettings = try settings(0)
      optimizer = try optimizerRecipe.make(settings(1))
      let base =
        job.referenceBatch.map {
          LearningRate.linearlyScaled(
            job.learningRate, globalBatch: job.batch, referenceBatch: $0)
        } ?? job.learningRate
      guard Float(base).isFinite else {
        throw UsageError("--learning-rate \(base), scaled with the batch, is too large a number")
      }
      rate = LearningRate(
        base, schedule: try scheduleRecipe.make(settings(2)), warmup: try Warmup(job.warmup))
    }
  }
}
