// Pictures as PNG files (ISO/IEC 15948): 8 bits a channel, grey or RGB, compressed by zlib.

import CZlib
import Foundation

/// Writing of PNG files.
enum PNGFile {
  /// The bytes of a file.
  ///
  /// - Parameters:
  ///   - pixels: (height, width, channels).
  ///   - channels: 1, grey, or 3, RGB.
  static func encode(_ pixels: [UInt8], width: Int, height: Int, channels: Int) throws -> Data {
    precondition(channels == 1 || channels == 3, "a picture is grey or RGB")
    precondition(pixels.count == width * height * channels, "every pixel has all channels")
    var rows = Data(capacity: height * (1 + width * channels))
    for row in 0..<height {
      rows.append(0)  // no filter
      rows.append(contentsOf: pixels[row * width * channels..<(row + 1) * width * channels])
    }
    var file = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    let kind: UInt8 = channels == 1 ? 0 : 2
    append("IHDR", bigEndian(width) + bigEndian(height) + [8, kind, 0, 0, 0], to: &file)
    append("IDAT", compressed(rows), to: &file)
    append("IEND", Data(), to: &file)
    return file
  }

  private static func bigEndian(_ number: Int) -> Data {
    withUnsafeBytes(of: UInt32(number).bigEndian) { Data($0) }
  }

  private static func append(_ kind: String, _ content: Data, to file: inout Data) {
    let body = Data(kind.utf8) + content
    let sum = body.withUnsafeBytes {
      crc32(0, $0.bindMemory(to: Bytef.self).baseAddress, uInt($0.count))
    }
    file += bigEndian(content.count) + body + bigEndian(Int(sum))
  }

  private static func compressed(_ data: Data) -> Data {
    var count = compressBound(uLong(data.count))
    var result = Data(count: Int(count))
    let code = result.withUnsafeMutableBytes { to in
      data.withUnsafeBytes { from in
        compress2(
          to.bindMemory(to: Bytef.self).baseAddress, &count,
          from.bindMemory(to: Bytef.self).baseAddress, uLong(from.count), Z_BEST_COMPRESSION)
      }
    }
    precondition(code == Z_OK, "zlib's own bound is room enough")
    return result.prefix(Int(count))
  }
}
