import Foundation
import Testing

@testable import Collectives

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Counts the elements of each class of an XML text.
private final class Counter: NSObject, XMLParserDelegate {
  var classes: [String: Int] = [:]
  var texts = ""

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    for word in (attributes["class"] ?? "").split(separator: " ") {
      classes[String(word), default: 0] += 1
    }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { texts += string }
}

@Suite struct ScheduleDrawingTests {
  /// Well-formed, with an arrow for each message, each load, and each place a sum goes to.
  @Test(arguments: Subject.all, [(1, 1), (2, 1), (5, 2), (8, 4), (4, 4), (64, 8)])
  func everythingIsDrawn(subject: Subject, layout: (ranks: Int, perNode: Int)) throws {
    let algorithm = subject.algorithm
    let topology = Topology(nodes: (0..<layout.ranks).map { $0 / layout.perNode })
    guard algorithm.objection(to: topology) == nil else { return }
    for count in [0, 3, 200] {
      let svg = try ScheduleDrawing.svg(algorithm, topology: topology, count: count)
      let counter = Counter()
      let parser = XMLParser(data: Data(svg.utf8))
      parser.delegate = counter
      #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")")
      var expected: [String: Int] = [:]
      for rank in 0..<layout.ranks {
        let schedule = algorithm.schedule(rank: rank, topology: topology, count: count)
        for transfer in schedule.rounds.joined() {
          switch transfer {
          case .receive(_, _, let arrival):
            expected["message", default: 0] += 1
            expected[arrival == .add ? "add" : "copy", default: 0] += 1
          case .load: expected["load", default: 0] += 1
          case .sum(_, _, let into): expected["store", default: 0] += into.count
          case .fence where topology.place(of: rank) == 0: expected["fence", default: 0] += 1
          case .library where rank == 0: expected["library", default: 0] += 1
          case .send, .add, .fence, .library: break
          }
        }
      }
      #expect(counter.classes == expected)
      #expect(counter.texts.contains("\(algorithm.name): all-reduce of \(count) elements"))
    }
  }

  /// Every vector ends full.
  @Test(arguments: Subject.all)
  func vectorsFillUp(subject: Subject) throws {
    let (ranks, count) = (6, 200)
    let topology = Topology(nodes: (0..<ranks).map { $0 / 3 })
    guard subject.algorithm.objection(to: topology) == nil else { return }
    let table = try TransferTable(
      (0..<ranks).map {
        subject.algorithm.schedule(rank: $0, topology: topology, count: count)
      }, count: count, nodes: topology.nodes)
    let timeline = ScheduleTimeline(table, nodes: topology.nodes)
    for rank in 0..<ranks {
      let last = timeline.pictures.last { $0.rank == rank }
      #expect(last?.counts.allSatisfy { $0 == ranks } == true)
      #expect(timeline.pictures.first { $0.rank == rank }?.counts.allSatisfy { $0 == 1 } == true)
    }
    #expect(timeline.events.allSatisfy { $0.begin < $0.end && $0.end <= timeline.duration })
  }

  @Test func wrongSchedulesAreNotDrawn() {
    struct Nothing: AllReduceAlgorithm {
      let name = "nothing"
      let summary = ""
      func schedule(rank: Int, topology: Topology, count: Int) -> Schedule { Schedule() }
    }
    #expect(throws: ScheduleFault.self) {
      try ScheduleDrawing.svg(Nothing(), topology: .scattered(2), count: 4)
    }
  }
}
