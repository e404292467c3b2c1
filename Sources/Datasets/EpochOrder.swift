// The order in which an epoch visits the samples: a permutation that is a pure function of (seed,
// epoch), so all ranks compute the same one without a message (Fisher, Yates 1938; Durstenfeld:
// Algorithm 235, 1964, with counter-based draws).

import Basics

/// A permutation of sample numbers, in memory that is allocated once.
public final class EpochOrder {
  /// Number of samples.
  public let count: Int
  private let seed: UInt64?
  private let places: UnsafeMutableBufferPointer<Int32>
  private var epoch: Int?

  /// The order of `count` samples: shuffled anew in every epoch, or 0, 1, 2, ... without a seed.
  public init(count: Int, seed: UInt64?) {
    precondition(count >= 0 && count <= Int(Int32.max), "sample numbers have 31 bits")
    (self.count, self.seed) = (count, seed)
    places = .allocate(capacity: count)
    for place in 0..<count { places.initializeElement(at: place, to: Int32(place)) }
  }

  deinit { places.deallocate() }

  /// The epoch's whole order, valid until another epoch is asked for. Cost: O(count), about 5 ns a
  /// sample, when the epoch changes; otherwise nothing.
  public func order(epoch: Int) -> UnsafeBufferPointer<Int32> {
    precondition(epoch >= 0, "epochs count from 0")
    if let seed, self.epoch != epoch {
      let random = CounterRandom(seed: seed, stream: .shuffle, substream: UInt64(epoch))
      for place in 0..<count { places[place] = Int32(place) }
      for last in stride(from: count - 1, to: 0, by: -1) {
        places.swapAt(last, random.index(UInt64(last), below: last + 1))
      }
      self.epoch = epoch
    }
    return UnsafeBufferPointer(places)
  }
}
