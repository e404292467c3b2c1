// Features of different units on one scale: each minus its mean, over its deviation, both of the
// training samples, so that nothing of the held-out half leaks into training. Later data are measured
// by the same mean and deviation: otherwise a shift of all samples would go unnoticed.

/// Mean and deviation of each feature.
public struct Standardisation: Sendable, Equatable, Codable {
  private let means: [Double]
  private let scales: [Double]

  /// Of the rows `rows` of `values`, (rows, features), or of all. Two passes, in double precision.
  init(of values: [Float], features: Int, rows: [Int32]?) {
    let all = rows ?? (0..<Int32(values.count / features)).map { $0 }
    var sums = [Double](repeating: 0, count: features)
    func add(_ term: (Int, Double) -> Double) {
      for row in all {
        for feature in 0..<features {
          sums[feature] += term(feature, Double(values[Int(row) * features + feature]))
        }
      }
    }
    add { $1 }
    let means = sums.map { $0 / Double(all.count) }
    sums = sums.map { _ in 0 }
    add { ($1 - means[$0]) * ($1 - means[$0]) }
    self.means = means
    // A feature that never changes becomes 0.
    scales = sums.map { $0 > 0 ? 1 / ($0 / Double(all.count)).squareRoot() : 1 }
  }

  /// Whether it is for rows of so many features.
  func fits(features: Int) -> Bool { means.count == features && scales.count == features }

  /// Writes a standardised row, (features), to `target`. What is farther from the mean than floats
  /// reach becomes the largest float. Cost: about 1 ns a feature; allocates nothing.
  func write(_ row: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    let most = Float.greatestFiniteMagnitude
    means.withUnsafeBufferPointer { means in
      scales.withUnsafeBufferPointer { scales in
        for feature in means.indices {
          let value = Float((Double(row[feature]) - means[feature]) * scales[feature])
          target[feature] = min(max(value, -most), most)
        }
      }
    }
  }
}
