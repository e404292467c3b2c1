import Messaging
import Optimizers
import Strategies
import Testing

@Suite struct GradientFlightTests {
  /// What all ranks hear when rank 2 of 4 prepares for something else.
  private func complaint(
    _ prepare: @escaping @Sendable (Bool, any Communicator) throws -> Worker
  ) throws -> Set<String> {
    let texts = try LocalWorld.run(ranks: 4, ranksPerNode: 1) { communicator in
      let worker = try prepare(communicator.rank == 2, communicator)
      do throws(MessagingError) { _ = try GradientFlight(worker) } catch {
        return error.isShared ? error.text : "not shared: \(error)"
      }
      return "nothing"
    }
    return Set(texts)
  }

  @Test func ranksThatDifferAreNamed() throws {
    let lengths = try [30, 40].map { size in
      try LocalWorld.run(ranks: 1) {
        try worker(Quadratic(size), SGD(), on: $0).replica.gradients.count
      }[0]
    }
    #expect(
      try complaint { try worker(Quadratic($0 ? 40 : 30), SGD(), on: $1) } == [
        "the ranks disagree on the length of the gradient: \(lengths[1]) on rank 2, "
          + "\(lengths[0]) on the others"
      ])
    #expect(
      try complaint {
        try worker(Quadratic(30), SGD(), on: $1, allReduce: $0 ? "tree" : "ring")
      } == ["the ranks disagree on the all-reduce algorithm: tree on rank 2, ring on the others"])
    #expect(
      try complaint {
        try worker(Quadratic(19, tensors: 3), SGD(), on: $1, bucketBytes: $0 ? 1 << 20 : 64)
      } == ["the ranks disagree on the number of buckets: 1 on rank 2, 3 on the others"])
  }
}
