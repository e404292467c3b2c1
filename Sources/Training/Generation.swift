// What trained models make up: pictures from noise, and texts a character at a time.

import Basics
import Datasets
import Foundation
import Kernels
import Layers

/// Pictures in rows and columns.
public enum PictureSheet {
  private static let margin = 2

  /// `count` pictures that `model` makes from the noise of `seed`, as a PNG file.
  ///
  /// - Parameter columns: pictures side by side.
  /// - Throws: `UsageError` if what is made are no pictures.
  public static func png(
    of model: Adversarial, at parameters: FloatBuffer, count: Int, columns: Int = 8, seed: UInt64
  ) throws -> Data {
    let extents = model.input.dimensions
    guard extents.count == 3, extents[2] == 1 || extents[2] == 3 else {
      throw UsageError("samples of \(model.input) are no grey or RGB pictures")
    }
    let (height, width, channels) = (extents[0], extents[1], extents[2])
    let columns = min(columns, count), rows = (count + columns - 1) / columns
    let sheetWidth = columns * (width + margin) + margin
    let sheetHeight = rows * (height + margin) + margin
    var sheet = [UInt8](repeating: 255, count: sheetWidth * sheetHeight * channels)
    let values = samples(model, parameters, count, seed)
    // Whatever numbers the data have: the darkest is black, the brightest white.
    guard let low = values.min(), let high = values.max(), values.allSatisfy(\.isFinite) else {
      throw UsageError("the model makes what are no numbers: its training has diverged")
    }
    for index in values.indices {
      let (picture, place) = index.quotientAndRemainder(dividingBy: height * width * channels)
      let (row, rest) = place.quotientAndRemainder(dividingBy: width * channels)
      let y = margin + picture / columns * (height + margin) + row
      let x = margin + picture % columns * (width + margin)
      let share = high > low ? (values[index] - low) / (high - low) : 0
      sheet[(y * sheetWidth + x) * channels + rest] = UInt8((share * 255).rounded())
    }
    return try PNGFile.encode(sheet, width: sheetWidth, height: sheetHeight, channels: channels)
  }

  private static func samples(
    _ model: Adversarial, _ parameters: FloatBuffer, _ count: Int, _ seed: UInt64
  ) -> [Float] {
    let space = SampleSpace(input: model.input, classes: 1)
    var values: [Float] = []
    for first in stride(from: 0, to: count, by: model.capacity) {
      let few = RandomSamples(min(model.capacity, count - first), of: space, targetsPerSample: 1)
      var batch = few.batch
      (batch.seed, batch.offset) = (seed, first)
      let made = model.generated(for: batch, at: FloatsIn(parameters.pointer))
      values += UnsafeBufferPointer(start: made, count: batch.count * model.input.count)
    }
    return values
  }
}

/// A text that a language model continues.
public final class TextGenerator {
  private let model: any Model
  private let parameters: FloatBuffer
  private let alphabet: TextAlphabet
  private let temperature: Double
  private let random: CounterRandom
  private var symbols: [Int32]
  private var drawn: UInt64 = 0

  /// - Parameters:
  ///   - prompt: what the text begins with; empty: the alphabet's first character.
  ///   - temperature: divides the outputs before the softmax; 0: always the likeliest character.
  /// - Throws: `UsageError` if the model predicts no characters, or the prompt has unknown ones.
  public init(
    _ model: any Model, at parameters: FloatBuffer, alphabet: TextAlphabet, prompt: String,
    temperature: Double, seed: UInt64
  ) throws {
    guard model.input.element == .index, model.targetsPerSample == model.input.count,
      model.output.dimensions.last == alphabet.scalars.count
    else { throw UsageError("the model does not predict the next character of a text") }
    guard let symbols = alphabet.symbols(of: prompt) else {
      throw UsageError("--prompt: a character that the training text does not have")
    }
    (self.model, self.parameters, self.alphabet) = (model, parameters, alphabet)
    self.temperature = temperature
    random = CounterRandom(seed: seed, stream: .generation)
    self.symbols = symbols.isEmpty ? [0] : symbols
  }

  /// The prompt, as the file would have it.
  public var start: [UInt8] { alphabet.bytes(of: symbols) }

  /// Appends one character and returns its bytes. Cost: one forward pass over a window.
  public func next() -> [UInt8] {
    let length = model.input.count
    let context = Array(symbols.suffix(length))
    // What lies behind the context is not looked at by a causal model.
    let window = context + Array(repeating: 0, count: length - context.count)
    let targets = [Int32](repeating: 0, count: length)
    let symbol = window.withUnsafeBytes { inputs in
      targets.withUnsafeBufferPointer { targets in
        let batch = Batch(
          count: 1, globalCount: 1, offset: 0, inputs: inputs.baseAddress!,
          targets: targets.baseAddress!)
        let classes = alphabet.scalars.count
        let outputs = model.outputs(for: batch, at: FloatsIn(parameters.pointer))
        return choose(
          UnsafeBufferPointer(start: outputs + (context.count - 1) * classes, count: classes))
      }
    }
    symbols = context.suffix(max(1, length - 1)) + [symbol]
    return alphabet.bytes(of: [symbol])
  }

  private func choose(_ outputs: UnsafeBufferPointer<Float>) -> Int32 {
    let best = outputs.indices.max { outputs[$0] < outputs[$1] }!
    guard temperature > 0 else { return Int32(best) }
    let weights = outputs.map { exp(Double($0 - outputs[best]) / temperature) }
    defer { drawn += 1 }
    var rest = Double(random.uniform(drawn)) * weights.reduce(0, +)
    for (symbol, weight) in weights.enumerated() {
      rest -= weight
      if rest < 0 { return Int32(symbol) }
    }
    return Int32(best)
  }
}
