// A decoder-only transformer (Vaswani et al. 2017; Radford et al. 2019: GPT-2): embedding and learnt
// positions, blocks of causal attention and a perceptron, each normalised before and added to its
// input, and a dense layer without bias. Parameters are named as in nanoGPT: transformer.wte,
// transformer.h.0.attn.c_attn, ..., lm_head.

import Basics

let gpt = ModelRecipe(
  summary: "transformer over symbols, sizes by settings",
  settings: [
    Setting("layers", default: "4", help: "blocks"),
    Setting("width", default: "128", help: "features of a symbol"),
    Setting("heads", default: "4", help: "heads of attention, which divide the width"),
    Setting("dropout", default: "0", help: "share dropped behind embeddings and in each block"),
  ],
  home: .characters,
  network: { context in
    let width = try context.settings.int("width", .from(1, to: 65_536))
    let heads = try context.settings.int("heads", .from(1, to: 1_024))
    let layers = try context.settings.int("layers", .from(1, to: 1_024))
    let dropout = try context.settings.float("dropout", .from(0, below: 1))
    guard width % heads == 0 else {
      throw SettingError(
        setting: "heads", value: "\(heads)", allowed: "a number that divides width \(width)")
    }
    // GPT-2's deviation, for projections into the residual path less with every block.
    let deviation: Float = 0.02
    let residual = deviation / Float(2 * layers).squareRoot()
    try context.checkSymbols()
    return Sequential {
      Sequential {
        Embedding(width: width, deviation: deviation).named("wte")
        PositionEmbedding(deviation: deviation).named("wpe")
        if dropout > 0 { Dropout(dropout) }
        Sequential {
          for _ in 0..<layers {
            transformerBlock(
              width, heads: heads, dropout: dropout, deviation: deviation, residual: residual)
          }
        }.named("h")
        LayerNormalization().named("ln_f")
      }.named("transformer")
      Dense(context.space.classes, bias: false, deviation: deviation).named("lm_head")
    }
  })

/// - Parameters:
///   - deviation: of initial weights.
///   - residual: of those that project into the residual path.
private func transformerBlock(
  _ width: Int, heads: Int, dropout: Float, deviation: Float, residual: Float
) -> any NetworkPart {
  Sequential {
    Residual {
      LayerNormalization().named("ln_1")
      Sequential {
        Dense(3 * width, deviation: deviation).named("c_attn")
        SelfAttention(heads: heads)
        Dense(width, deviation: residual).named("c_proj")
        if dropout > 0 { Dropout(dropout) }
      }.named("attn")
    }.named("")
    Residual {
      LayerNormalization().named("ln_2")
      Sequential {
        Dense(4 * width, deviation: deviation).named("c_fc")
        GELU()
        Dense(width, deviation: residual).named("c_proj")
        if dropout > 0 { Dropout(dropout) }
      }.named("mlp")
    }.named("")
  }
}
