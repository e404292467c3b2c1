// Blocking calls, and calls on floats, in terms of the protocol's own.

extension Communicator {
  /// Sends and waits until the buffer may be used again.
  public func send(_ bytes: UnsafeRawBufferPointer, to peer: Int, tag: Int) throws(MessagingError) {
    _ = try wait(try startSend(bytes, to: peer, tag: tag))
  }

  /// Waits for a message of at most `bytes.count` bytes.
  @discardableResult
  public func receive(
    into bytes: UnsafeMutableRawBufferPointer, from peer: Int?, tag: Int
  ) throws(MessagingError) -> Message {
    try wait(try startReceive(into: bytes, from: peer, tag: tag))
  }

  /// Starts sending floats.
  public func startSend(_ values: UnsafeBufferPointer<Float>, to peer: Int, tag: Int)
    throws(MessagingError) -> Request
  {
    try startSend(UnsafeRawBufferPointer(values), to: peer, tag: tag)
  }

  /// Starts receiving at most `values.count` floats.
  public func startReceive(
    into values: UnsafeMutableBufferPointer<Float>, from peer: Int?, tag: Int
  ) throws(MessagingError) -> Request {
    try startReceive(into: UnsafeMutableRawBufferPointer(values), from: peer, tag: tag)
  }

  /// Sends floats and waits until the buffer may be used again.
  public func send(_ values: UnsafeBufferPointer<Float>, to peer: Int, tag: Int)
    throws(MessagingError)
  {
    try send(UnsafeRawBufferPointer(values), to: peer, tag: tag)
  }

  /// Waits for at most `values.count` floats.
  @discardableResult
  public func receive(
    into values: UnsafeMutableBufferPointer<Float>, from peer: Int?, tag: Int
  ) throws(MessagingError) -> Message {
    try receive(into: UnsafeMutableRawBufferPointer(values), from: peer, tag: tag)
  }

  /// Rank `root`'s floats reach every rank.
  public func broadcast(_ values: UnsafeMutableBufferPointer<Float>, root: Int)
    throws(MessagingError)
  {
    try broadcast(UnsafeMutableRawBufferPointer(values), root: root)
  }

  /// One number combined over all ranks, the same on each.
  public func allReduce(_ value: Double, _ reduction: Reduction) throws(MessagingError) -> Double {
    var result = value
    let call = { (pointer: UnsafeMutablePointer<Double>) throws(MessagingError) in
      try self.allReduce(UnsafeMutableBufferPointer(start: pointer, count: 1), reduction)
    }
    try call(&result)
    return result
  }
}
