// Processors that several processes share: all get equal parts of them, none more than one. Each
// progresses at the same speed, so one running sum of that speed tells when each is done.
//
// Cost of a task: O(tasks at the same time).

/// A set of equal processors.
struct SharedProcessors {
  private let cores: Double
  /// Seconds that each task has progressed so far, and when that was true.
  private var progress = 0.0
  private var since = 0.0
  private var tasks: [(process: Int32, end: Double)] = []
  private(set) var version: UInt32 = 0

  init(cores: Double) { self.cores = cores }

  private var speed: Double { min(1, cores / Double(max(1, tasks.count))) }

  private mutating func move(to time: Double) {
    progress += (time - since) * speed
    since = time
  }

  /// A process wants `seconds` of a processor.
  mutating func add(_ process: Int, _ seconds: Double, at time: Double) {
    move(to: time)
    tasks.append((Int32(process), progress + seconds))
    version += 1
  }

  /// The process that is done now, if `version` is still the state of affairs.
  mutating func finish(version: UInt32, at time: Double) -> Int? {
    guard version == self.version, let place = shortest else { return nil }
    move(to: time)
    progress = max(progress, tasks[place].end)
    self.version += 1
    return Int(tasks.remove(at: place).process)
  }

  private var shortest: Int? { tasks.indices.min { tasks[$0].end < tasks[$1].end } }

  /// When the shortest task will be done if nothing happens before.
  var nextEnd: Double? { shortest.map { since + max(0, tasks[$0].end - progress) / speed } }
}
