// The form in which values travel between ranks. Sums are float32 whatever the form is.
//
// A send in a 16-bit form rounds what is sent, in place: afterwards sender and receiver hold the
// same values. At the end every rank rounds what it has added up and not sent, because others may
// have got it by message. Rounding twice is rounding once, so values that are passed on arrive
// unchanged, and wherever a schedule leaves all ranks with equal sums it does so in any form, bit
// for bit; a reduce-scatter leaves the owner with the bits that the all-reduce gives.
//
//   form      bytes  relative error per hop  largest number
//   float32   4      0                       3.4e38
//   bfloat16  2      2^-8                    3.4e38
//   float16   2      2^-11                   65,504
//
// Messages alone take a form: what is read out of shared memory is float32 and rounded at the end,
// and what the messaging library sums by itself (`native`) stays as it is.

import Basics
import Kernels

/// How values of messages are encoded.
public enum WireFormat: String, Sendable, CaseIterable {
  /// As they are.
  case float32
  /// Rounded to 7 bits of fraction.
  case bfloat16
  /// Rounded to 10 bits of fraction; finite numbers beyond 65,504 become infinite.
  case float16

  /// Bytes on the wire per element.
  public var bytesPerElement: Int { short == nil ? 4 : 2 }

  /// The 16-bit format that kernels convert to and from; nil: values travel as they are.
  public var short: ShortFloat? {
    switch self {
    case .float32: nil
    case .bfloat16: .bfloat16
    case .float16: .float16
    }
  }

  /// One line for a list.
  public var summary: String {
    switch self {
    case .float32: "4 bytes, exact"
    case .bfloat16: "2 bytes, float32's range, 8 significant bits"
    case .float16: "2 bytes, up to 65,504, 11 significant bits"
    }
  }
}

/// Every wire format, by name.
public let wireFormatCatalog = Catalog<WireFormat>(
  "wire format", WireFormat.allCases.map { ($0.rawValue, $0) })
