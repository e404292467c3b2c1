// Errors that one rank meets alone (a file that is missing on its node, a full disk at rank 0) must
// end the whole job, with one line from one rank, and without leaving the others in a collective
// call. So whatever may fail is done between two points where all ranks compare notes.

import Messaging

/// Another rank failed and has said why.
public struct SharedFailure: Error, Sendable, Equatable {
  /// What this rank should exit with too.
  public let code: ExitCode
  /// The rank that explains.
  public let rank: Int
}

/// Agreement among the ranks of a communicator.
public struct Agreement {
  let communicator: any Communicator

  /// Agreement over a communicator.
  public init(over communicator: any Communicator) { self.communicator = communicator }

  /// Runs `body` on every rank; throws on all if it throws on any: the lowest failing rank throws
  /// its own error, all others a `SharedFailure`. Cost: one all-reduce of two numbers.
  public func agree<T>(_ body: () throws -> T) throws -> T {
    let outcome = Result(catching: body)
    var failing = Double(communicator.size)
    if case .failure = outcome { failing = Double(communicator.rank) }
    let first = Int(try reduce(failing, .minimum))
    guard first < communicator.size else { return try outcome.get() }
    var code = 0.0
    if first == communicator.rank, case .failure(let error) = outcome {
      code = Double(ExitCode(for: error).rawValue)
    }
    code = try reduce(code, .maximum)
    if first == communicator.rank { return try outcome.get() }
    throw SharedFailure(code: ExitCode(rawValue: Int32(code)) ?? .internalError, rank: first)
  }

  /// One number, combined over all ranks.
  public func reduce(_ value: Double, _ reduction: Reduction) throws(MessagingError) -> Double {
    var values = [value]
    try reduce(&values, reduction)
    return values[0]
  }

  /// Numbers, combined over all ranks, element by element.
  public func reduce(_ values: inout [Double], _ reduction: Reduction) throws(MessagingError) {
    let copy = UnsafeMutableBufferPointer<Double>.allocate(capacity: values.count)
    defer { copy.deallocate() }
    _ = copy.initialize(from: values)
    try communicator.allReduce(copy, reduction)
    values = Array(copy)
  }
}
