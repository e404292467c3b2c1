// The optimizers and learning-rate schedules a user can name. A new one is a file and a line here.

import Basics

/// Every optimizer, by name.
public let optimizerCatalog = Catalog<Recipe<any Optimizer>>(
  "optimizer",
  [
    entry(SGD.self) { $0 },
    entry(Adam.self) { $0 },
    entry(AdamW.self) { $0 },
  ])

/// Every learning-rate schedule, by name.
public let scheduleCatalog = Catalog<Recipe<any LearningRateSchedule>>(
  "learning-rate schedule",
  [
    entry(ConstantSchedule.self) { $0 },
    entry(StepSchedule.self) { $0 },
    entry(CosineSchedule.self) { $0 },
  ])

private func entry<Rule: Configurable & SendableMetatype, Product>(
  _ type: Rule.Type, _ made: @escaping @Sendable (Rule) -> Product
) -> (name: String, entry: Recipe<Product>) {
  (
    type.name,
    Recipe(summary: type.summary, settings: type.settings) {
      settings throws(SettingError) in made(try Rule(settings))
    }
  )
}
