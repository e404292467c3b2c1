import Basics
import Testing

@testable import Datasets

@Suite struct FileArgumentTests {
  @Test func pathsAreSplitAtCommas() throws {
    #expect(try filePaths("a", counts: 1...2, form: "x:A[,B]") == ["a"])
    #expect(try filePaths("a,/b c", counts: 1...2, form: "x:A[,B]") == ["a", "/b c"])
    for text in ["a,b,c", "", ",a"] {
      #expect(
        #expect(throws: SettingError.self) { try filePaths(text, counts: 1...2, form: "x:A[,B]") }?
          .description == "data=\(text): x:A[,B] is needed")
    }
  }

  @Test func classesAreNotCountedInMillions() throws {
    try requireFewClasses(1 << 20, path: "file")
    #expect(
      #expect(throws: DataError.self) { try requireFewClasses(1_048_577, path: "file") }?
        .description
        == "file: 1,048,577 different classes, more than 1,048,576; --set task=numbers takes targets "
        + "as numbers")
  }
}
