// The optimizers and learning-rate schedules a user can name. A new one is a file and a line here.

import Basics

/// Every optimizer, by name.
public let optimizerCatalog = Catalog<Recipe<any Optimizer>>(
  "optimizer",
  [
    optimizer(SGD.self),
    optimizer(Adam.self),
    optimizer(AdamW.self),
  ])

/// Every learning-rate schedule, by name.
public let scheduleCatalog = Catalog<Recipe<any LearningRateSchedule>>(
  "learning-rate schedule",
  [
    schedule(ConstantSchedule.self),
    schedule(StepSchedule.self),
    schedule(CosineSchedule.self),
  ])

private func optimizer<Rule: Optimizer & Configurable>(_ type: Rule.Type)
  -> (name: String, entry: Recipe<any Optimizer>)
{
  (
    type.name,
    Recipe(summary: type.summary, settings: type.settings) {
      settings throws(SettingError) in try Rule(settings)
    }
  )
}

private func schedule<Rule: LearningRateSchedule & Configurable>(_ type: Rule.Type)
  -> (name: String, entry: Recipe<any LearningRateSchedule>)
{
  (
    type.name,
    Recipe(summary: type.summary, settings: type.settings) {
      settings throws(SettingError) in try Rule(settings)
    }
  )
}
