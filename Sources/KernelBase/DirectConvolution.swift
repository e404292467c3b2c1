// Direct convolution of NHWC images, any kernel, stride and padding: no matrix of patches, no padded
// copy. The lanes of a vector are channels of the destination; weights are packed into blocks of one
// vector of channels, [block][tap][source channel][lane], which stay in the second-level cache while
// all images pass.

import KernelABI

/// A pass over all images: the shapes of source and destination, and where the packed weights lie.
struct DirectPass {
  var batch: Int
  var source: FloatsIn
  var sourceHeight: Int
  var sourceWidth: Int
  var sourceChannels: Int
  var kernelWidth: Int
  var taps: Int
  var target: FloatsOut
  var targetHeight: Int
  var targetWidth: Int
  var targetChannels: Int
  var prepared: FloatsIn
  var scratch: FloatsOut

  /// Packed weights.
  static func preparedCount(_ shape: ConvolutionShape, _ direction: ConvolutionDirection) -> Int {
    let taps = shape.kernelHeight * shape.kernelWidth
    let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
    return packingSlack
      + (direction == .forward
        ? taps * inputs * rounded(outputs, half) : taps * outputs * rounded(inputs, half))
  }

  /// The plan of one phase (the next one's takes its place), a tile's edge and a patch.
  static func scratch(_ shape: ConvolutionShape) -> Int {
    RowPlan.scratch(max(shape.width, shape.outputWidth, 1), shape.kernelWidth) + Target.edgeCount
      + tileRows * max(shape.inputChannels, shape.outputChannels)
  }

  /// Packs the weights. Backward, the lanes are inputs: each tap is transposed, and taps go in
  /// reversed order.
  static func prepare(
    _ shape: ConvolutionShape, _ direction: ConvolutionDirection, _ w: FloatsIn,
    _ prepared: FloatsOut
  ) {
    let taps = shape.kernelHeight * shape.kernelWidth
    let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
    let (sources, targets) = direction == .forward ? (inputs, outputs) : (outputs, inputs)
    var channel = 0
    while channel < targets {
      let lanes = lanes(channel, targets)
      let columns = min(lanes, targets - channel)
      let to = prepared + channel * taps * sources
      switch direction {
      case .forward: packColumns(columns, taps * inputs, w + channel, outputs, to, lanes)
      case .backwardData:
        for tap in 0..<taps {
          packTransposed(
            columns, outputs, w + (tap * inputs + channel) * outputs, outputs,
            to + (taps - 1 - tap) * outputs * lanes, lanes)
        }
      }
      channel += lanes
    }
  }

  /// 2 taps inputs outputs operations per pixel of the result, borders not counted.
  static func forward(
    _ shape: ConvolutionShape, _ x: FloatsIn, _ prepared: FloatsIn, _ bias: FloatsIn?,
    _ relu: Bool, _ y: FloatsOut, _ scratch: FloatsOut
  ) {
    let pass = DirectPass(
      batch: shape.batch, source: x, sourceHeight: shape.height, sourceWidth: shape.width,
      sourceChannels: shape.inputChannels, kernelWidth: shape.kernelWidth,
      taps: shape.kernelHeight * shape.kernelWidth, target: y, targetHeight: shape.outputHeight,
      targetWidth: shape.outputWidth, targetChannels: shape.outputChannels, prepared: prepared,
      scratch: scratch)
    pass.run(shape.rows, shape.columns, bias: bias, relu: relu)
  }

  /// As many operations as the forward pass.
  static func backwardData(
    _ shape: ConvolutionShape, _ dy: FloatsIn, _ prepared: FloatsIn, _ dx: FloatsOut, _ add: Bool,
    _ scratch: FloatsOut
  ) {
    let pass = DirectPass(
      batch: shape.batch, source: dy, sourceHeight: shape.outputHeight,
      sourceWidth: shape.outputWidth, sourceChannels: shape.outputChannels,
      kernelWidth: shape.kernelWidth, taps: shape.kernelHeight * shape.kernelWidth, target: dx,
      targetHeight: shape.height, targetWidth: shape.width, targetChannels: shape.inputChannels,
      prepared: prepared, scratch: scratch)
    for rowPhase in 0..<shape.stride {
      for columnPhase in 0..<shape.stride {
        pass.run(shape.backwardRows(rowPhase), shape.backwardColumns(columnPhase), add: add)
      }
    }
  }

  /// Lanes of the block that starts at `channel`: a half vector where that holds the rest.
  @inline(__always)
  private static func lanes(_ channel: Int, _ channels: Int) -> Int {
    channels - channel <= half ? half : wide
  }

  /// Computes the places of the destination that `rows` and `columns` describe.
  private func run(
    _ rows: Axis, _ columns: Axis, bias: FloatsIn? = nil, relu: Bool = false, add: Bool = false
  ) {
    guard rows.count > 0 && columns.count > 0 else { return }
    let edge = scratch + RowPlan.scratch(columns.count, columns.taps)
    let patch = edge + Target.edgeCount
    let plan = RowPlan(columns, scratch: scratch)
    var channel = 0
    while channel < targetChannels {
      let lanes = Self.lanes(channel, targetChannels)
      var task = ConvolutionTask(
        source: source, sourceRow: sourceWidth * sourceChannels, channels: sourceChannels,
        pixelStep: columns.sourceStep * sourceChannels, row: 0, firstTap: 0, endTap: 0,
        weights: prepared + channel * taps * sourceChannels, kernelWidth: kernelWidth,
        kernelRow: rows.firstTap, kernelStep: rows.tapStep, spans: plan.spans(0), spanCount: 0,
        patch: patch,
        target: Target(
          start: target, step: columns.step * targetChannels,
          columns: min(lanes, targetChannels - channel), edge: edge, add: add,
          bias: bias.map { $0 + channel }, relu: relu))
      for image in 0..<batch {
        task.source = source + image * sourceHeight * task.sourceRow
        for t in 0..<rows.count {
          task.row = rows.sourceStep * t + rows.offset
          task.firstTap = min(max(0, -task.row), rows.taps)
          task.endTap = max(task.firstTap, min(rows.taps, sourceHeight - task.row))
          let row = image * targetHeight + rows.start + rows.step * t
          let line = target + (row * targetWidth + columns.start) * targetChannels + channel
          for i in 0..<plan.tiles.parts {
            let tile = plan.tile(i)
            task.spans = plan.spans(i)
            task.spanCount = tile.spans
            task.target.start = line + tile.place * task.target.step
            task.run(tile.pixels, lanes: lanes)
          }
        }
      }
      channel += lanes
    }
  }
}
