// Character-level recurrent models: embedding, recurrent layers, dense layer. Parameters are named as in
// a PyTorch module with members embedding, lstm (or gru) and head.

import Basics
import Kernels

let lstm = recurrentModel(.lstm, summary: "LSTM over symbols")
let gru = recurrentModel(.gru, summary: "GRU over symbols")

private func recurrentModel(_ cell: RecurrentCell, summary: String) -> ModelRecipe {
  ModelRecipe(
    summary: summary,
    settings: [
      Setting("width", default: "128", help: "features of a symbol and of the state"),
      Setting("dropout", default: "0", help: "share dropped before the last layer"),
    ],
    home: .characters,
    network: { context in
      let width = try context.settings.int("width", .from(1, to: 65_536))
      let dropout = try context.settings.float("dropout", .from(0, below: 1))
      try context.checkSymbols()
      return Sequential {
        Embedding(width: width).named("embedding")
        Recurrent(cell, width).named("\(cell)")
        if dropout > 0 { Dropout(dropout) }
        Dense(context.space.classes).named("head")
      }
    })
}

extension SampleSpace {
  /// 64 characters of 65 kinds, each followed by the next.
  static let characters = SampleSpace(
    input: Shape([64], element: .index, indexCounts: [65]), classes: 65)
}

extension ModelContext {
  /// Checks that samples are sequences of symbols.
  func checkSymbols() throws(ShapeError) {
    guard space.input.element == .index, space.input.dimensions.count == 1,
      Set(space.input.indexCounts).count == 1
    else {
      throw ShapeError(
        "the model needs sequences of symbols, as text has; samples are \(space.input)"
          + " \(space.input.element)")
    }
  }
}
