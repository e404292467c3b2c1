import Basics
import Testing

@Suite struct CatalogTests {
  private let catalog = Catalog("fruit", [("apple", 1), ("pear", 2), ("blackberry", 3)])

  @Test func findsEveryNameInOrder() throws {
    #expect(catalog.names == ["apple", "pear", "blackberry"])
    #expect(try catalog.names.map { try catalog.find($0) } == [1, 2, 3])
  }

  @Test(arguments: [
    ("aple", "apple"), ("Pear", "pear"), ("blackbery", "blackberry"),
    ("blackcurrant", "blackberry"), ("paer", "pear"), ("appel", "apple"),
  ])
  func suggestsTheNearestName(written: String, meant: String) {
    #expect(UnknownName.nearest(to: written, among: catalog.names) == meant)
    let error = #expect(throws: UnknownName.self) { try catalog.find(written) }
    #expect(
      error?.description
        == "unknown fruit '\(written)'; did you mean '\(meant)'? (known: apple, blackberry, pear)")
  }

  @Test func suggestsNothingWhereNothingResembles() {
    #expect(UnknownName.nearest(to: "xylophone", among: catalog.names) == nil)
    #expect(UnknownName.nearest(to: "", among: []) == nil)
    let error = UnknownName(kind: "fruit", name: "x", known: [])
    #expect(error.description == "unknown fruit 'x' (there is none)")
  }
}
