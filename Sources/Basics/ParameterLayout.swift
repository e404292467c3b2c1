// Where every parameter tensor lies in a replica's flat buffers, and how it reads in a checkpoint.

/// How a tensor is filled before step 0.
public enum Initialisation: Sendable, Equatable {
  /// All equal to the value.
  case constant(Float)
  /// Uniform in ±bound.
  case uniform(bound: Float)
  /// Normal with mean 0.
  case normal(deviation: Float)
}

/// How a tensor changes from step to step.
public enum ParameterRole: Sendable, Equatable {
  /// By the optimizer, from the gradient of the loss.
  case trained
  /// A statistic that follows the data: what stands in its gradient's place is what the batch
  /// showed, and the update is w <- w + rate (g - w).
  case average(rate: Float)
}

/// What a layer asks for: one parameter tensor, not yet placed in a buffer.
public struct ParameterRequest: Sendable {
  /// Name within the layer, PyTorch's where there is one: `weight`, `bias`.
  public let name: String
  /// Extents as the tensor lies in memory, row-major.
  public let shape: [Int]
  /// Axis `i` of the checkpoint's tensor is memory axis `axes[i]`.
  public let axes: [Int]
  /// Extents in a checkpoint: the permuted extents, of which neighbours may be merged.
  public let exportedShape: [Int]
  /// Initial values, drawn in checkpoint order.
  public let initialisation: Initialisation
  /// How it changes from step to step.
  public let role: ParameterRole

  /// A request; `axes` and `exportedShape` default to the order in memory.
  public init(
    _ name: String, shape: [Int], axes: [Int]? = nil, exportedShape: [Int]? = nil,
    initialisation: Initialisation, role: ParameterRole = .trained
  ) {
    let axes = axes ?? Array(shape.indices)
    let exportedShape = exportedShape ?? axes.map { shape[$0] }
    precondition(axes.sorted() == Array(shape.indices), "axes must be a permutation")
    precondition(
      exportedShape.reduce(1, *) == shape.reduce(1, *), "exported shape must hold every value")
    self.name = name
    self.shape = shape
    self.axes = axes
    self.exportedShape = exportedShape
    self.initialisation = initialisation
    self.role = role
  }
}

extension ParameterRequest {
  /// The same tensor under another name.
  public func named(_ name: String) -> ParameterRequest {
    ParameterRequest(
      name, shape: shape, axes: axes, exportedShape: exportedShape,
      initialisation: initialisation, role: role)
  }
}

/// One parameter tensor at its place in the flat buffers.
public struct ParameterTensor: Sendable {
  /// Full name, for example `0.weight`.
  public let name: String
  /// Where its values lie.
  public let range: Range<Int>
  /// What the layer asked for.
  public let request: ParameterRequest

  /// Calls `body(exportedIndex, flatIndex)` for every value, in checkpoint order.
  ///
  /// `exportedIndex` counts from 0, `flatIndex` is the place in the flat buffer. Cost: O(values).
  public func forEachExported(_ body: (Int, Int) -> Void) {
    let shape = request.shape
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    let extents = request.axes.map { shape[$0] }
    let steps = request.axes.map { strides[$0] }
    var position = [Int](repeating: 0, count: shape.count)
    var flat = range.lowerBound
    for exported in 0..<range.count {
      body(exported, flat)
      var axis = extents.count - 1
      while axis >= 0 {
        position[axis] += 1
        flat += steps[axis]
        if position[axis] < extents[axis] { break }
        flat -= steps[axis] * extents[axis]
        position[axis] = 0
        axis -= 1
      }
    }
  }
}

/// The tensors of a model in one flat numbering, each aligned to a cache line: first what is trained,
/// in forward order, then statistics (which are known as soon as the forward pass is over, and so
/// travel first).
public struct ParameterLayout: Sendable {
  /// Tensors in order; their ranges ascend and do not overlap.
  public private(set) var tensors: [ParameterTensor] = []
  /// Length of the flat buffers, alignment gaps included (the gaps hold zeros for ever).
  public private(set) var count = 0
  /// What the optimizer changes, gaps included.
  public private(set) var trained = 0..<0
  /// The same cut into pieces, and how much faster than others each learns: the factor on its learning
  /// rate. One piece, unless a model's networks have rates of their own.
  public private(set) var rates: [(range: Range<Int>, factor: Float)] = []

  private var names: Set<String> = []

  /// What follows the data.
  public var statistics: Range<Int> { trained.upperBound..<count }

  /// An empty layout.
  public init() {}

  /// Number of parameters proper, without alignment gaps and statistics.
  public var parameterCount: Int {
    tensors.reduce(0) { $0 + ($1.request.role == .trained ? $1.range.count : 0) }
  }

  /// Places a tensor behind the last one and returns its range.
  ///
  /// - Parameter rate: factor on the learning rate.
  public mutating func append(
    _ request: ParameterRequest, prefix: String, rate: Float = 1
  ) -> Range<Int> {
    let length = request.shape.reduce(1, *)
    let range = count..<count + length
    let name = prefix.isEmpty ? request.name : prefix + "." + request.name
    precondition(names.insert(name).inserted, "two parameters named \(name)")
    precondition(
      request.role != .trained || trained.upperBound == count,
      "statistics come after all parameters")
    tensors.append(ParameterTensor(name: name, range: range, request: request))
    count = FloatBuffer.aligned(range.upperBound)
    guard request.role == .trained else { return range }
    trained = 0..<count
    if let last = rates.last, last.factor == rate {
      rates[rates.count - 1].range = last.range.lowerBound..<count
    } else {
      rates.append((range.lowerBound..<count, rate))
    }
    return range
  }

  /// Fills `parameters` with initial values that depend on `seed` and the tensors' order alone.
  public func initialise(_ parameters: FloatBuffer, seed: UInt64) {
    precondition(parameters.count >= count, "the buffer is shorter than the layout")
    for (number, tensor) in tensors.enumerated() {
      let random = CounterRandom(seed: seed, stream: .initialisation, substream: UInt64(number))
      let initialisation = tensor.request.initialisation
      tensor.forEachExported { exported, flat in
        let value: Float
        switch initialisation {
        case .constant(let constant): value = constant
        case .uniform(let bound): value = (2 * random.uniform(UInt64(exported)) - 1) * bound
        case .normal(let deviation): value = random.normal(UInt64(exported)) * deviation
        }
        parameters.pointer[flat] = value
      }
    }
  }
}
