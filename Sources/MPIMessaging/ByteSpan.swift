// Messages longer than an `int` can say. MPI-3 counts elements by `int`, but an element may be a
// derived datatype of any length, and matching looks at bytes only.
//
// J. Hammond, A. Schäfer, R. Latham: To INT_MAX... and beyond! Exploring large-count support in
// MPI, ExaMPI 2014.

import CMPI
import Messaging

/// How a message of so many bytes is put to MPI: `count` elements of `box.datatype`.
struct ByteSpan {
  private(set) var box = cmpi_bytes()
  private(set) var count: Int32
  private let isDerived: Bool

  /// Longest message that is passed as plain bytes, and longest piece of a longer one.
  struct Limit {
    var whole = Int(Int32.max)
    var piece = 1 << 30
  }

  init(_ byteCount: Int, limit: Limit, rank: Int) throws(MessagingError) {
    isDerived = byteCount > limit.whole
    count = isDerived ? 1 : Int32(byteCount)
    guard isDerived else { return }
    let pieces = (byteCount + limit.piece - 1) / limit.piece
    let starts = (0..<pieces).map { MPI_Aint($0 * limit.piece) }
    let lengths = (0..<pieces).map { Int32(min(limit.piece, byteCount - $0 * limit.piece)) }
    try check(
      MPI_Type_create_hindexed(Int32(pieces), lengths, starts, cmpi_byte(), &box.datatype),
      "MPI_Type_create_hindexed", rank: rank)
    try check(MPI_Type_commit(&box.datatype), "MPI_Type_commit", rank: rank)
  }

  /// To be called when the operation has been started: MPI keeps the type as long as it needs it.
  mutating func release(rank: Int) throws(MessagingError) {
    if isDerived { try check(MPI_Type_free(&box.datatype), "MPI_Type_free", rank: rank) }
  }
}
