// The safetensors format: 8 bytes of header length, a JSON header of names, types, shapes and byte
// offsets, then the values, little-endian. It opens in PyTorch, NumPy and JAX. Apus adds a CRC-32
// over the whole file (the checksum's own digits counted as zeros) to the header's metadata.
// Source: github.com/huggingface/safetensors, README.

import CZlib
import Foundation
import SystemPackage

/// One named tensor of 32-bit floats, in row-major order.
struct TensorValues {
  let name: String
  let shape: [Int]
  /// Writes the values, one after the other, into memory for `shape`'s product of floats.
  let write: (UnsafeMutablePointer<Float>) -> Void
}

/// A checkpoint file is damaged, or not one.
public struct CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence with the path.
  public let description: String

  init(_ path: String, _ problem: String) { description = "\(path): \(problem)" }
}

/// Reading and writing of safetensors files.
enum SafetensorsFile {
  private static let checksumKey = "apus.crc32"
  private static let noChecksum = "00000000"
  /// safetensors' own limit on the header's length.
  private static let longestHeader = 100_000_000

  /// The bytes of a file with these tensors; equal arguments give equal bytes.
  static func encode(_ tensors: [TensorValues], metadata: [String: String]) throws -> Data {
    var header: [String: Any] = [:]
    var offset = 0
    for tensor in tensors {
      let length = tensor.shape.reduce(1, *) * 4
      header[tensor.name] = [
        "dtype": "F32", "shape": tensor.shape, "data_offsets": [offset, offset + length],
      ]
      offset += length
    }
    var metadata = metadata
    metadata[checksumKey] = noChecksum
    header["__metadata__"] = metadata
    var json = try JSONSerialization.data(
      withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
    while (json.count + 8) % 8 != 0 { json.append(0x20) }  // values start aligned
    var file = Data(count: 8 + json.count + offset)
    file.withUnsafeMutableBytes { bytes in
      bytes.storeBytes(of: UInt64(json.count).littleEndian, as: UInt64.self)
      json.copyBytes(to: UnsafeMutableRawBufferPointer(rebasing: bytes[8...]))
      var place = bytes.baseAddress! + 8 + json.count
      for tensor in tensors {
        let count = tensor.shape.reduce(1, *)
        tensor.write(place.bindMemory(to: Float.self, capacity: count))
        place += count * 4
      }
    }
    let sum = hexadecimal(checksum([file]))
    let place = file.range(of: Data("\"\(checksumKey)\":\"".utf8), in: 8..<8 + json.count)!
    file.replaceSubrange(place.upperBound..<place.upperBound + sum.utf8.count, with: sum.utf8)
    return file
  }

  /// CRC-32 of the pieces, one behind the other.
  private static func checksum(_ pieces: [Data]) -> UInt {
    pieces.reduce(0) { sum, piece in
      piece.withUnsafeBytes { bytes in
        var sum = sum
        var rest = bytes[...]
        while !rest.isEmpty {  // zlib counts in 32 bits
          let part = rest.prefix(1 << 30)
          sum = part.withUnsafeBytes {
            UInt(crc32(uLong(sum), $0.bindMemory(to: Bytef.self).baseAddress, uInt($0.count)))
          }
          rest = rest.dropFirst(part.count)
        }
        return sum
      }
    }
  }

  private static func hexadecimal(_ sum: UInt) -> String { String(format: "%08x", sum) }

  /// A file's contents after its checksum and its header have been found to be right.
  struct Contents {
    let metadata: [String: String]
    let tensors: [String: (shape: [Int], bytes: Range<Int>)]
    let data: Data

    /// Calls `body` with a tensor's values.
    func withValues<T>(_ name: String, _ body: (UnsafeBufferPointer<Float>) throws -> T) rethrows
      -> T?
    {
      guard let (_, range) = tensors[name] else { return nil }
      // Offsets in foreign files need not be aligned.
      let copy = UnsafeMutableBufferPointer<Float>.allocate(capacity: range.count / 4)
      defer { copy.deallocate() }
      data.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(copy).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: $0[range]))
      }
      return try body(UnsafeBufferPointer(copy))
    }
  }

  /// Checks and opens the bytes of a file.
  ///
  /// - Throws: `CheckpointError` saying what is wrong with `path`.
  static func decode(_ data: Data, path: String) throws(CheckpointError) -> Contents {
    guard data.count >= 8 else { throw CheckpointError(path, "truncated: no header") }
    let length = data.withUnsafeBytes {
      UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
    }
    guard length <= longestHeader, length >= 2 else {
      throw CheckpointError(path, "not a safetensors file (header length \(length))")
    }
    let start = 8 + Int(length)
    guard start <= data.count else {
      throw CheckpointError(path, "truncated: \(data.count) bytes, the header alone needs \(start)")
    }
    guard
      let header = try? JSONSerialization.jsonObject(with: data.subdata(in: 8..<start))
        as? [String: Any]
    else { throw CheckpointError(path, "the header is not valid JSON: the file is damaged") }
    let metadata = header["__metadata__"] as? [String: String] ?? [:]
    var tensors: [String: (shape: [Int], bytes: Range<Int>)] = [:]
    for (name, entry) in header where name != "__metadata__" {
      guard let entry = entry as? [String: Any], entry["dtype"] as? String == "F32",
        let shape = entry["shape"] as? [Int], let offsets = entry["data_offsets"] as? [Int],
        offsets.count == 2, 0 <= offsets[0], offsets[0] <= offsets[1],
        let values = product(shape), values == (offsets[1] - offsets[0]) / 4,
        (offsets[1] - offsets[0]) % 4 == 0
      else { throw CheckpointError(path, "tensor '\(name)' is not described as 32-bit floats") }
      guard offsets[1] <= data.count - start else {
        throw CheckpointError(
          path, "truncated: tensor '\(name)' ends beyond the file's \(data.count) bytes")
      }
      tensors[name] = (shape, start + offsets[0]..<start + offsets[1])
    }
    if let written = metadata[checksumKey] {
      let key = Data("\"\(checksumKey)\":\"".utf8)
      guard let place = data.range(of: key, in: 8..<start), written.utf8.count == 8 else {
        throw CheckpointError(path, "the checksum is damaged")
      }
      let digits = place.upperBound..<place.upperBound + 8
      let found = checksum([
        data[..<digits.lowerBound], Data(noChecksum.utf8), data[digits.upperBound...],
      ])
      guard hexadecimal(found) == written else {
        throw CheckpointError(path, "wrong checksum: the file is damaged")
      }
    } else if metadata.keys.contains(where: { $0.hasPrefix("apus.") }) {
      // Others' files have no checksum; ours that has none has lost it.
      throw CheckpointError(path, "no checksum: the file is damaged")
    }
    try requireWhole(tensors, from: start, to: data.count, path)
    return Contents(metadata: metadata, tensors: tensors, data: data)
  }

  /// As the format wants it: tensors lie one behind the other, and nothing else is there.
  private static func requireWhole(
    _ tensors: [String: (shape: [Int], bytes: Range<Int>)], from start: Int, to end: Int,
    _ path: String
  ) throws(CheckpointError) {
    let ordered = tensors.sorted {
      let (a, b) = ($0.value.bytes, $1.value.bytes)
      return (a.lowerBound, a.upperBound, $0.key) < (b.lowerBound, b.upperBound, $1.key)
    }
    var (last, place) = ("the header", start)
    for (name, tensor) in ordered {
      let gap = tensor.bytes.lowerBound - place
      guard gap == 0 else {
        throw CheckpointError(
          path,
          gap > 0
            ? "\(gap) bytes between \(last) and tensor '\(name)' belong to no tensor"
            : "tensor '\(name)' overlaps \(last)")
      }
      (last, place) = ("tensor '\(name)'", tensor.bytes.upperBound)
    }
    guard place == end else {
      throw CheckpointError(path, "\(end - place) bytes behind \(last) belong to no tensor")
    }
  }

  private static func product(_ shape: [Int]) -> Int? {
    var result = 1
    for extent in shape {
      let (value, overflow) = result.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow else { return nil }
      result = value
    }
    return result
  }
}
