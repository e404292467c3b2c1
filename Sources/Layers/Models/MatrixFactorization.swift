// Ratings of items by users.

import Basics

let matrixFactorization = ModelRecipe(
  summary: "ratings as products of users' and items' factors",
  settings: [Setting("width", default: "32", help: "factors per user and item")],
  home: SampleSpace(
    input: Shape([2], element: .index, indexCounts: [943, 1682]), classes: 1, targets: .numbers),
  network: { context in
    let counts = context.space.input.indexCounts
    guard counts.count == 2 else {
      throw ShapeError("matrix-factorization needs pairs of indices (user, item), as movielens has")
    }
    return FactorProduct(
      users: counts[0], items: counts[1],
      width: try context.settings.int("width", .from(1, to: 65_536)))
  })
