// Pending MPI operations: slots that are allocated once and used again, so that a message costs no
// memory.

import CMPI

/// One pending operation: MPI's handle and what the outcome of a send is made of.
struct PendingOperation {
  var box = cmpi_no_request()
  var call: StaticString = ""
  var isReceive = false
  var inUse = false
  var peer = 0
  var tag = 0
  var byteCount = 0
  /// Number of the collective call on its communicator, from 1; 0 for a message.
  var collective = 0
  var vigil = Vigil()
}

/// A table of slots; doubles when it is full, which warmed-up programs never see.
struct RequestTable: ~Copyable {
  private var slots: UnsafeMutablePointer<PendingOperation>
  private var capacity: Int
  private var free: [Int]

  init(capacity: Int = 64) {
    self.capacity = capacity
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: PendingOperation(), count: capacity)
    free = Array((0..<capacity).reversed())
  }

  deinit { slots.deallocate() }

  /// A slot in use, or for use.
  subscript(slot: Int) -> UnsafeMutablePointer<PendingOperation> {
    precondition(
      slot >= 0 && slot < capacity && slots[slot].inUse,
      "a request is redeemed once, by the communicator that gave it")
    return slots + slot
  }

  /// Takes a free slot.
  mutating func take() -> Int {
    if free.isEmpty { grow() }
    let slot = free.removeLast()
    slots[slot].inUse = true
    return slot
  }

  /// Gives a slot back.
  mutating func release(_ slot: Int) {
    self[slot].pointee.inUse = false
    free.append(slot)
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<PendingOperation>.allocate(capacity: 2 * capacity)
    larger.moveInitialize(from: slots, count: capacity)
    (larger + capacity).initialize(repeating: PendingOperation(), count: capacity)
    slots.deallocate()
    slots = larger
    free.append(contentsOf: (capacity..<2 * capacity).reversed())
    free.reserveCapacity(2 * capacity)
    capacity *= 2
  }
}
