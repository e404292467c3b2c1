// What a catalogue of things with settings holds: how to describe one, and how to make one.

/// A type that a catalogue can make from settings.
public protocol Configurable {
  /// Name in the catalogue.
  static var name: String { get }
  /// One line for a list.
  static var summary: String { get }
  /// Every setting that the initialiser reads.
  static var settings: [Setting] { get }
  /// Reads and checks the settings.
  init(_ settings: Settings) throws(SettingError)
}

/// A catalogue's entry: makes a `Product` from settings.
public struct Recipe<Product>: Sendable {
  /// One line for a list.
  public let summary: String
  /// Every setting that `make` reads.
  public let settings: [Setting]
  /// Makes the product, or says which setting will not do.
  public let make: @Sendable (Settings) throws(SettingError) -> Product

  /// An entry.
  public init(
    summary: String, settings: [Setting],
    make: @escaping @Sendable (Settings) throws(SettingError) -> Product
  ) {
    (self.summary, self.settings, self.make) = (summary, settings, make)
  }
}

extension Catalog {
  /// Makes what `name` stands for from the user's settings.
  ///
  /// - Throws: `UnknownName` for the name or a setting, `SettingError` for a value.
  public func make<Product>(_ name: String, _ given: [String: String] = [:]) throws -> Product
  where Entry == Recipe<Product> {
    let recipe = try find(name)
    return try recipe.make(Settings(of: name, declared: recipe.settings, given: given))
  }
}
