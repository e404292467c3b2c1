// Gradient of a convolution's weights for small images, whose rows are too short for a loop of their
// own. Which pixels a tap finds inside of the image is the same for every image: lists of their
// places in x and dy, made once, turn all pixels of an image into one run.

import CSIMD
import KernelABI

/// Where a pixel lies: floats from the start of the image in x, and of the packed lines of dy.
private struct Place {
  var x: Int32
  var dy: Int32
}

/// Rows of an image, or some whole images.
private struct Run {
  var image: Int
  var images: Int
  var rows: (first: Int, end: Int)
  /// Lists of the taps, `stride` places apart.
  var places: UnsafePointer<Place>
  var stride: Int
}

/// Pixels of a run: packed dy takes less than half of the first-level cache.
private var runPixels: Int { 112 }

/// One tile of the gradient.
private struct PlacesTask: TileTask {
  var places: UnsafePointer<Place>
  /// Pixels.
  var count: Int
  var x: FloatsIn
  var dy: FloatsIn
  var target: Target

  @inline(__always)
  func run<let R: Int, V: Vector>(_ tile: Tile<R, V>.Type) { tile.places(self) }
}

extension VectorKernels {
  /// Whether rows are short, and lists of places and dw small enough: all of dw passes through the
  /// caches for each run.
  @inline(__always)
  static func usesPlaces(_ shape: ConvolutionShape) -> Bool {
    let pixels = shape.outputHeight * shape.outputWidth
    return pixels > 0 && pixels <= 512 && shape.outputWidth <= 24 && shape.weightCount <= 1 << 15
      && shape.inputCount * runPixels < 1 << 31
  }

  /// Rows of the result that are treated together, so that their x and dy stay in the first-level
  /// cache while all taps pass.
  @inline(__always)
  private static func parts(_ shape: ConvolutionShape) -> Partition {
    Partition(shape.outputHeight, largest: max(1, runPixels / shape.outputWidth))
  }

  /// Images per run.
  @inline(__always)
  private static func imagesPerRun(_ shape: ConvolutionShape) -> Int {
    max(1, min(shape.batch, runPixels / (shape.outputHeight * shape.outputWidth)))
  }

  /// Pixels of a run, at most.
  @inline(__always)
  private static func pixelsPerRun(_ shape: ConvolutionShape) -> Int {
    imagesPerRun(shape) * parts(shape).start(1) * shape.outputWidth
  }

  /// Floats of scratch: a tile's edge, packed dy, lists of places.
  static func placesScratch(_ shape: ConvolutionShape) -> Int {
    let lists = parts(shape).parts * shape.kernelHeight * shape.kernelWidth
    return Target.edgeCount + pixelsPerRun(shape) * (wide + 2 * lists) + 4 * packingSlack
  }

  /// The whole gradient.
  static func gradientByPlaces(
    _ shape: ConvolutionShape, _ x: FloatsIn, _ dy: FloatsIn, _ dw: FloatsOut, _ dbias: FloatsOut?,
    _ scratch: FloatsOut
  ) {
    let (images, parts, most) = (imagesPerRun(shape), parts(shape), pixelsPerRun(shape))
    let taps = shape.kernelHeight * shape.kernelWidth
    let lines = scratch + Target.edgeCount
    let places = UnsafeMutableRawPointer(lines + (most * wide + packingSlack))
      .assumingMemoryBound(to: Place.self)
    for part in 0..<parts.parts {
      let rows = (first: parts.start(part), end: parts.start(part + 1))
      for tap in 0..<taps { list(shape, tap, rows, images, places + (part * taps + tap) * most) }
    }
    var image = 0
    while image < shape.batch {
      let count = min(images, shape.batch - image)
      for part in 0..<parts.parts {
        let run = Run(
          image: image, images: count, rows: (parts.start(part), parts.start(part + 1)),
          places: UnsafePointer(places) + part * taps * most, stride: most)
        multiplyRun(shape, run, x, dy, dw, dbias, lines, scratch)
      }
      image += count
    }
  }

  /// Adds the products of one run to dw, and its dy to dbias.
  private static func multiplyRun(
    _ shape: ConvolutionShape, _ run: Run, _ x: FloatsIn, _ dy: FloatsIn, _ dw: FloatsOut,
    _ dbias: FloatsOut?, _ lines: FloatsOut, _ edge: FloatsOut
  ) {
    let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
    let groups = Partition(inputs, largest: tileRows)
    let pixels = run.images * (run.rows.end - run.rows.first) * shape.outputWidth
    let start = (run.image * shape.outputHeight + run.rows.first) * shape.outputWidth
    var channel = 0
    while channel < outputs {
      let columns = min(wide, outputs - channel)
      packColumns(columns, pixels, dy + (start * outputs + channel), outputs, lines, wide)
      if let dbias {
        addPackedLines(pixels, wide, columns, FloatsIn(lines), dbias + channel)
      }
      for tap in 0..<shape.kernelHeight * shape.kernelWidth {
        let count = reached(shape, tap, run.rows) * run.images
        for group in 0..<groups.parts {
          let ci = groups.start(group)
          var task = PlacesTask(
            places: run.places + tap * run.stride, count: count,
            x: x + (run.image * shape.inputCount + ci), dy: FloatsIn(lines),
            target: Target(
              start: dw + ((tap * inputs + ci) * outputs + channel), step: outputs,
              columns: columns, edge: edge, add: true))
          task.run(groups.start(group + 1) - ci, lanes: columns > half ? wide : half)
        }
      }
      channel += wide
    }
  }

  /// Rows among `rows` and columns of the result whose tap `tap` lies inside of the image.
  @inline(__always)
  private static func inside(
    _ shape: ConvolutionShape, _ tap: Int, _ rows: (first: Int, end: Int)
  ) -> (rows: Range<Int>, columns: Range<Int>) {
    let vertical = shape.rows.inside(0, shape.outputHeight, tap / shape.kernelWidth)
    let horizontal = shape.columns.inside(0, shape.outputWidth, tap % shape.kernelWidth)
    let first = max(rows.first, vertical.first)
    return (
      first..<max(first, min(rows.end, vertical.end)),
      horizontal.first..<max(horizontal.first, horizontal.end)
    )
  }

  /// Pixels of an image's rows that tap `tap` reaches.
  private static func reached(
    _ shape: ConvolutionShape, _ tap: Int, _ rows: (first: Int, end: Int)
  ) -> Int {
    let inside = inside(shape, tap, rows)
    return inside.rows.count * inside.columns.count
  }

  /// Writes the places of a tap's pixels in these rows of `images` images.
  private static func list(
    _ shape: ConvolutionShape, _ tap: Int, _ rows: (first: Int, end: Int), _ images: Int,
    _ places: UnsafeMutablePointer<Place>
  ) {
    let inside = inside(shape, tap, rows)
    var to = places
    for image in 0..<images {
      for r in inside.rows {
        let h = r * shape.stride + tap / shape.kernelWidth - shape.padding
        for c in inside.columns {
          let w = c * shape.stride + tap % shape.kernelWidth - shape.padding
          let line = image * (rows.end - rows.first) + r - rows.first
          to.pointee = Place(
            x: Int32(((image * shape.height + h) * shape.width + w) * shape.inputChannels),
            dy: Int32((line * shape.outputWidth + c) * wide))
          to += 1
        }
      }
    }
  }
}

extension Tile {
  /// dw[row][lane] += sum over the places of x[row] dy[lane].
  @inline(never)
  fileprivate static func places(_ t: PlacesTask) {
    var sums = zero()
    for i in 0..<R {
      csimd_prefetch(t.target.start + i &* t.target.step)
      csimd_prefetch(t.target.start + (i &* t.target.step &+ V.lanes / 2))
    }
    var (place, rest) = (t.places, t.count)
    while rest >= 4 {
      step(&sums, t.x + Int(place[0].x), t.dy + Int(place[0].dy))
      step(&sums, t.x + Int(place[1].x), t.dy + Int(place[1].dy))
      step(&sums, t.x + Int(place[2].x), t.dy + Int(place[2].dy))
      step(&sums, t.x + Int(place[3].x), t.dy + Int(place[3].dy))
      place += 4
      rest &-= 4
    }
    while rest > 0 {
      step(&sums, t.x + Int(place[0].x), t.dy + Int(place[0].dy))
      place += 1
      rest &-= 1
    }
    write(&sums, t.target)
  }
}
