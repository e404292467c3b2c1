// Whether a model's loss can be computed on a data set's targets: a number taken for a class would
// be an address far out of the outputs.

import Basics
import Datasets
import Layers

extension Model {
  /// Refuses data whose targets the loss cannot take; `name` is what the user called them.
  ///
  /// - Throws: `UsageError` that says what both sides have.
  func requireTargets(of data: any Dataset, named name: String) throws(UsageError) {
    guard data.targets == targetKind else {
      throw UsageError(
        "the targets of \(name) are \(data.targets); the model's loss is for \(targetKind)")
    }
    guard data.targetsPerSample == targetsPerSample else {
      throw UsageError(
        "\(name) has \(data.targetsPerSample) targets per sample; the model predicts"
          + " \(targetsPerSample)")
    }
    if let classes, classes < data.classes {
      throw UsageError(
        "\(name) has \(data.classes) classes; the model's last layer tells only \(classes) apart:"
          + " give it \(data.classes) outputs")
    }
  }
}
