// A model's tensors alone, as a safetensors file: for exchange with PyTorch and NumPy.

import Basics
import Foundation
import Kernels

/// Vectors that are laid out like a model's parameters, in files.
public enum ModelFile {
  /// Writes the tensors of `layout` from `values`, named and ordered as PyTorch has them.
  ///
  /// - Throws: a file error naming `path`.
  public static func write(_ layout: ParameterLayout, _ values: FloatsIn, to path: String) throws {
    let data = try SafetensorsFile.encode(
      Checkpoint.tensors("", values, count: layout.count, layout), metadata: ["format": "pt"])
    try AtomicFile.write(data, to: path)
  }

  /// Reads every tensor of `layout` into `values`; others in the file are passed over.
  ///
  /// - Throws: `CheckpointError` naming a tensor that is missing or of another shape.
  public static func read(_ layout: ParameterLayout, into values: FloatBuffer, from path: String)
    throws
  {
    let contents = try SafetensorsFile.decode(try AtomicFile.read(path), path: path)
    try Checkpoint.readTensors(contents, layout: layout, into: values, path: path)
  }
}
