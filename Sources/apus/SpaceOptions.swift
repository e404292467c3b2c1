// What a model is made for, where there are no data that say it.

import ArgumentParser
import Basics
import Layers
import Training

/// Flags for samples and classes.
struct SpaceOptions: ParsableArguments {
  @Option(help: "One sample, as in 32x32x3. (default: what the model is usually used for)")
  var input: String?

  @Option(help: "Classes that the model tells apart. (default: likewise)")
  var classes: Int?

  /// What `recipe` is usually used for, changed as the flags say.
  func space(of recipe: ModelRecipe) throws(UsageError) -> SampleSpace {
    var space = recipe.home
    if let input {
      let extents = input.split(separator: "x", omittingEmptySubsequences: false)
        .map { Int($0) ?? 0 }
      guard extents.allSatisfy({ (1...1 << 24).contains($0) }) else {
        throw UsageError("--input \(input): extents as in 28x28x1 are needed")
      }
      space.input = Shape(
        extents, element: space.input.element, indexCounts: space.input.indexCounts)
    }
    if let classes {
      guard (1...1 << 20).contains(classes) else {
        throw UsageError("--classes \(classes): from 1 to \(1 << 20)")
      }
      space.classes = classes
    }
    return space
  }
}
