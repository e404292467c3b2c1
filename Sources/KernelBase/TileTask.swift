// A register tile's rows are a constant of the program, but work comes in any number of them: for each
// number there is a function, and this is where one of them is chosen.

/// Work for one register tile.
protocol TileTask {
  /// Runs it on this tile, whose rows and vectors are as many as the work's.
  mutating func run<let R: Int, V: Vector>(_ tile: Tile<R, V>.Type)
}

extension TileTask {
  /// Runs it on a tile of `rows` (1...tileRows) rows of `lanes` columns, one register or two.
  @inline(__always)
  mutating func run(_ rows: Int, lanes: Int) {
    if lanes == wide { run(rows, Wide.self) } else { run(rows, Half.self) }
  }

  /// Runs it on a tile of `rows` (1...tileRows) rows of vectors V.
  @inline(__always)
  mutating func run<V: Vector>(_ rows: Int, _ vector: V.Type) {
    switch rows {
    case 1: run(Tile<1, V>.self)
    case 2: run(Tile<2, V>.self)
    case 3: run(Tile<3, V>.self)
    case 4: run(Tile<4, V>.self)
    case 5: run(Tile<5, V>.self)
    #if KERNEL_AVX512
      case 6: run(Tile<6, V>.self)
      case 7: run(Tile<7, V>.self)
      case 8: run(Tile<8, V>.self)
      case 9: run(Tile<9, V>.self)
      case 10: run(Tile<10, V>.self)
      case 11: run(Tile<11, V>.self)
      default: run(Tile<12, V>.self)
    #else
      default: run(Tile<6, V>.self)
    #endif
    }
  }
}
