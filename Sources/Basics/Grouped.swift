// Numbers as people read them.

/// A whole number with commas between thousands, for messages.
public func grouped(_ number: Int) -> String {
  let digits = Array(String(number))
  return digits.enumerated().reduce(into: "") { text, next in
    if next.offset > 0 && (digits.count - next.offset).isMultiple(of: 3) { text.append(",") }
    text.append(next.element)
  }
}
