// Whether a network's loss can be computed on a data set's targets: a number taken for a class would
// be an address far out of the outputs.

import Basics
import Datasets
import Layers

extension Network {
  /// Refuses data whose targets the loss cannot take; `name` is what the user called them.
  ///
  /// - Throws: `UsageError` that says what both sides have.
  func requireTargets(of data: any Dataset, named name: String) throws(UsageError) {
    guard data.targets == .classes else {
      throw UsageError("the targets of \(name) are numbers; the model's loss is for classes")
    }
    guard data.targetsPerSample == targetsPerSample else {
      throw UsageError(
        "\(name) has \(data.targetsPerSample) targets per sample; the model predicts"
          + " \(targetsPerSample)")
    }
  }
}
