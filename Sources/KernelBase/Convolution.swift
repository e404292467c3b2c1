// Direct convolution of NHWC images, any kernel, stride and padding: no matrix of patches, no padded
// copy. The lanes of a vector are channels of the destination; weights are packed into blocks of one
// vector of channels, [block][tap][source channel][lane], which stay in the second-level cache while
// all images pass.

import KernelABI

extension VectorKernels {
  /// Packed weights, plans and a patch, or what the gradient of the weights wants.
  public static func convolutionScratch(_ shape: ConvolutionShape) -> Int {
    let taps = shape.kernelHeight * shape.kernelWidth
    let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
    let forward = taps * inputs * rounded(outputs, half)
    let backward = taps * outputs * rounded(inputs, half)
    let plan =
      shape.stride
      * RowPlan.scratch(
        max(shape.width, shape.outputWidth, 1), shape.kernelWidth)
    let pass = max(forward, backward) + plan + tileRows * max(inputs, outputs) + Target.edgeCount
    return max(pass, weightGradientScratch(shape), convolutionPoolScratch(shape))
      + 2 * packingSlack
  }

  /// 2 taps inputs outputs operations per pixel of the result, borders not counted.
  public static func convolutionForward(
    _ shape: ConvolutionShape, x: FloatsIn, w: FloatsIn, bias: FloatsIn?, relu: Bool, y: FloatsOut,
    scratch: FloatsOut
  ) {
    guard shape.batch > 0 && shape.outputCount > 0 else { return }
    let taps = shape.kernelHeight * shape.kernelWidth
    let pass = Pass(
      batch: shape.batch, source: x, sourceHeight: shape.height, sourceWidth: shape.width,
      sourceChannels: shape.inputChannels, kernelWidth: shape.kernelWidth, taps: taps, target: y,
      targetHeight: shape.outputHeight, targetWidth: shape.outputWidth,
      targetChannels: shape.outputChannels, scratch: scratch)
    // Weights lie as [tap][input][output]: blocks of outputs are copied.
    var channel = 0
    while channel < shape.outputChannels {
      let lanes = pass.lanes(channel)
      packColumns(
        min(lanes, shape.outputChannels - channel), taps * shape.inputChannels, w + channel,
        shape.outputChannels, pass.weights(channel), lanes)
      channel += lanes
    }
    let rows = Axis.forward(
      extent: shape.height, kernel: shape.kernelHeight, stride: shape.stride,
      padding: shape.padding)
    let columns = Axis.forward(
      extent: shape.width, kernel: shape.kernelWidth, stride: shape.stride,
      padding: shape.padding)
    pass.run(rows, columns, bias: bias, relu: relu)
  }

  /// As many operations as the forward pass.
  public static func convolutionBackwardData(
    _ shape: ConvolutionShape, dy: FloatsIn, w: FloatsIn, dx: FloatsOut, scratch: FloatsOut
  ) {
    guard shape.batch > 0 && shape.inputCount > 0 else { return }
    let taps = shape.kernelHeight * shape.kernelWidth
    let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
    let pass = Pass(
      batch: shape.batch, source: dy, sourceHeight: shape.outputHeight,
      sourceWidth: shape.outputWidth, sourceChannels: outputs, kernelWidth: shape.kernelWidth,
      taps: taps, target: dx, targetHeight: shape.height, targetWidth: shape.width,
      targetChannels: inputs, scratch: scratch)
    // The lanes are inputs now: each tap is transposed, and taps go in reversed order.
    var channel = 0
    while channel < inputs {
      let lanes = pass.lanes(channel)
      for tap in 0..<taps {
        packTransposed(
          min(lanes, inputs - channel), outputs, w + (tap * inputs + channel) * outputs, outputs,
          pass.weights(channel) + (taps - 1 - tap) * outputs * lanes, lanes)
      }
      channel += lanes
    }
    for rowPhase in 0..<shape.stride {
      let rows = Axis.backward(
        extent: shape.height, kernel: shape.kernelHeight, stride: shape.stride,
        padding: shape.padding, phase: rowPhase)
      for columnPhase in 0..<shape.stride {
        let columns = Axis.backward(
          extent: shape.width, kernel: shape.kernelWidth, stride: shape.stride,
          padding: shape.padding, phase: columnPhase)
        pass.run(rows, columns)
      }
    }
  }
}

/// A pass over all images: the shapes of source and destination, and where the packed weights lie.
private struct Pass {
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
  var scratch: FloatsOut

  /// Lanes of the block that starts at `channel`: a half vector where that holds the rest.
  @inline(__always)
  func lanes(_ channel: Int) -> Int { targetChannels - channel <= half ? half : wide }

  /// The packed weights of the block that starts at `channel`.
  @inline(__always)
  func weights(_ channel: Int) -> FloatsOut { scratch + channel * taps * sourceChannels }

  /// Computes the places of the destination that `rows` and `columns` describe.
  func run(_ rows: Axis, _ columns: Axis, bias: FloatsIn? = nil, relu: Bool = false) {
    guard rows.count > 0 && columns.count > 0 else { return }
    let room = scratch + (taps * sourceChannels * rounded(targetChannels, half) + packingSlack)
    let edge = room + RowPlan.scratch(columns.count, columns.taps)
    let patch = edge + Target.edgeCount
    let plan = RowPlan(columns, scratch: room)
    var channel = 0
    while channel < targetChannels {
      let lanes = lanes(channel)
      var task = ConvolutionTask(
        source: source, sourceRow: sourceWidth * sourceChannels, channels: sourceChannels,
        pixelStep: columns.sourceStep * sourceChannels, row: 0, firstTap: 0, endTap: 0,
        weights: FloatsIn(weights(channel)), kernelWidth: kernelWidth, kernelRow: rows.firstTap,
        kernelStep: rows.tapStep, spans: plan.spans(0), spanCount: 0, patch: patch,
        target: Target(
          start: target, step: columns.step * targetChannels,
          columns: min(lanes, targetChannels - channel), edge: edge,
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
            if lanes == wide {
              runConvolution(tile.pixels, Wide.self, task)
            } else {
              runConvolution(tile.pixels, Half.self, task)
            }
          }
        }
      }
      channel += lanes
    }
  }
}
