// Elements between two consecutive ends of ranges share their fate: the verifier follows these
// intervals instead of elements.
//
// Cost: O(transfers + elements).

extension TransferTable {
  /// - Parameter ends: further elements at which intervals end.
  mutating func findIntervals(_ ends: [Int]) {
    var marks = [Bool](repeating: false, count: count + 1)
    marks[0] = true
    marks[count] = true
    for index in entries.indices {
      marks[entries[index].range.lowerBound] = true
      marks[entries[index].range.upperBound] = true
    }
    for element in ends { marks[element] = true }
    markAdditions(&marks)
    var numbers = [Int32](repeating: 0, count: count + 1)
    for element in 0...count where marks[element] {
      numbers[element] = Int32(boundaries.count)
      boundaries.append(element)
    }
    for index in entries.indices {
      entries[index].first = numbers[entries[index].range.lowerBound]
      entries[index].last = numbers[entries[index].range.upperBound]
    }
  }

  /// What is added and what it is added to must be cut alike; one cut may bring about another.
  private func markAdditions(_ marks: inout [Bool]) {
    let additions = entries.filter { $0.kind == .add }
    var isStable = additions.isEmpty
    while !isStable {
      isStable = true
      for entry in additions {
        for offset in 0...entry.range.count {
          let (from, to) = (entry.range.lowerBound + offset, entry.target + offset)
          if marks[from] != marks[to] { (marks[from], marks[to], isStable) = (true, true, false) }
        }
      }
    }
  }

  /// The interval that begins at an element which some range begins or ends with.
  func interval(at element: Int) -> Int {
    var (low, high) = (0, boundaries.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if boundaries[middle] < element { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The elements of an interval.
  func elements(_ interval: Int) -> Range<Int> { boundaries[interval]..<boundaries[interval + 1] }
}
