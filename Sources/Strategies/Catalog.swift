// The training methods a user can name. A new one is a file and a line here.

import Basics

/// Every method, by name.
public let strategyCatalog = Catalog<any Strategy.Type>(
  "strategy",
  [
    (SynchronousSGD.name, SynchronousSGD.self),
    (LocalSGD.name, LocalSGD.self),
    (AsynchronousSGD.name, AsynchronousSGD.self),
  ])
