// Who decides how a convolution is computed.

/// What a user asked for: the rule's choice by shape, or one method wherever it is possible.
public enum ConvolutionChoice: String, Sendable, CaseIterable, Codable {
  case automatic = "auto"
  case direct, f2, f4
}
