import Basics
import Testing

@testable import Datasets

@Suite struct MovieLensTests {
  /// (user, item, rating) in the order of the file, from either half.
  private func ratings(_ text: String) throws -> (all: Set<[Float]>, pair: DatasetPair) {
    let folder = try TemporaryFolder()
    let pair = try openDataset(
      "movielens:" + folder.write("ratings", text), settings: ["heldout": "0.5"])
    var all: Set<[Float]> = []
    for half in [pair.training, pair.heldOut] {
      let samples = Samples(of: half)
      for (input, rating) in zip(samples.inputs, samples.numbers) { all.insert(input + [rating]) }
    }
    return (all, pair)
  }

  @Test(arguments: [
    "7\t30\t3\t881250949\n196\t2\t4.5\t881250949\n7\t2\t1\t88\n8\t31\t5\t0\n",
    "7::30::3::881250949\n196::2::4.5::881250949\n7::2::1::88\n8::31::5::0",
    "userId,movieId,rating,timestamp\r\n7,30,3,881\r\n196,2,4.5,8\r\n7,2,1,88\r\n8,31,5,0\r\n",
    "timestamp,rating,userId,movieId\n1,3,7,30\n1,4.5,196,2\n\n1,1,7,2\n1,5,8,31\n",
    "7\t30\t3\n196\t2\t4.5\n7\t2\t1\n8\t31\t5\n", "7::30::3\n196::2::4.5\n7::2::1\n8::31::5\n",
  ])
  func everyGenerationIsRead(text: String) throws {
    let (all, pair) = try ratings(text)
    // Users 7, 8, 196 and items 2, 30, 31.
    #expect(all == [[0, 1, 3], [2, 0, 4.5], [0, 0, 1], [1, 2, 5]])
    #expect(pair.training.count == 2 && pair.heldOut.count == 2)
    for half in [pair.training, pair.heldOut] {
      #expect(half.indexCounts == [3, 3])
      #expect(half.targets == .numbers && half.classes == 1 && half.targetsPerSample == 1)
      #expect(half.sampleShape == Shape([2], element: .index))
    }
  }

  @Test func wrongLinesAreNamed() throws {
    let folder = try TemporaryFolder()
    let form =
      "USER<tab>ITEM<tab>RATING<tab>TIME, USER::ITEM::RATING::TIME, or a header with "
      + "userId,movieId,rating is needed"
    let cases = [
      ("", "empty; a line of \(form)"), ("\n\n", "holds no ratings"),
      ("userId,movieId,rating\n", "holds no ratings"),
      ("1 2 3\n", "line 1: '1 2 3' where \(form)"),
      ("1,2,3\n", "line 1: '1,2,3' where \(form)"),
      ("userId,rating\n", "line 1: 'userId,rating' where \(form)"),
      ("1\t2\t3\n1\t2\n", "line 2: 2 fields; \(form)"),
      ("1\t2\t3\n1\t2\t3\t4\n", "line 2: 4 fields; \(form)"),
      ("1::2::3\n1::2\n", "line 2: 2 fields; \(form)"),
      ("1::2::3\n1:5:2::3\n", "line 2: \(form)"),
      ("userId,movieId,rating\n1,2,3\n1,2\n", "line 3: 2 fields; \(form)"),
      (
        "1\t2\t3\nx\t2\t3\n",
        "line 2: 'x' where the number of a user is needed, 0 to 2,147,483,647"
      ),
      (
        "1\t-2\t3\n", "line 1: '-2' where the number of an item is needed, 0 to 2,147,483,647"
      ),
      (
        "1\t2147483648\t3\n",
        "line 1: '2147483648' where the number of an item is needed, 0 to 2,147,483,647"
      ),
      ("1\t2\t\n", "line 1: '' where a rating, a finite number, is needed"),
      ("1\t2\tinf\n", "line 1: 'inf' where a rating, a finite number, is needed"),
      ("1\t2\t3\n", "heldout=0.1 of 1 samples leaves none to hold out"),
    ]
    for (number, (text, words)) in cases.enumerated() {
      let path = try folder.write("\(number)", text)
      let found = try problem("movielens:" + path, in: folder)
      #expect(found == "F/\(number): " + words)
    }
    #expect(try problem("movielens:" + folder.path, in: folder) == "F: not a file")
  }

  @Test(arguments: ["\t", "::", ","]) func anyDamageIsRefusedOrRead(separator: String) throws {
    let header = separator == "," ? "userId,movieId,rating,timestamp\n" : ""
    let lines = (0..<12).map { user in
      ["\(user)", "\(user * 7 % 5)", "3.5", "88"].joined(separator: separator) + "\n"
    }
    try damage(
      Array((header + lines.joined()).utf8), name: "ratings",
      pieces: ["\t", ":", ",", "\n", "99999999999", "-", "nan", "\"", "2147483647", "\0"]
        .map { Array($0.utf8) }, trials: 100
    ) { "movielens:" + $0 }
  }
}
