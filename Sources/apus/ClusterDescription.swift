// A cluster as people describe it: keys with values and units, in a YAML file or on the command
// line. `apus bench cluster` writes such a file, `apus plan` reads it.

import Basics
import Collectives
import Foundation
import Training
import Yams

/// Nodes, ranks, and what links and processors cost.
struct ClusterDescription {
  var nodes = 16, ranksPerNode = 1
  var model = ClusterModel()

  /// One key: how it is read and written.
  struct Key: Sendable {
    let name, help: String
    let write: @Sendable (ClusterDescription) -> String?
    let read: @Sendable (inout ClusterDescription, String) throws -> Void
  }

  /// Every key.
  static let keys: [Key] = [
    whole("nodes", "number of nodes", \.nodes),
    whole("ranks-per-node", "ranks on each node", \.ranksPerNode),
    speed("bandwidth", "of a node's link, each way", \.bandwidth),
    time("latency", "of a message between nodes", \.latency),
    Key(
      name: "fabric", help: "what the network carries in all",
      write: { $0.model.fabric.map { Quantity.text(bytesPerSecond: $0) } },
      read: { $0.model.fabric = try Quantity.bytesPerSecond($1) }),
    time("send-overhead", "processor time to send a message", \.sendOverhead),
    time("receive-overhead", "processor time to receive a message", \.receiveOverhead),
    bytes("eager-limit", "up to which messages leave unasked", \.eagerLimit),
    bytes("send-buffer", "up to which sends are complete at once", \.sendBuffer),
    Key(
      name: "handshake", help: "what longer messages wait before they leave",
      write: { $0.model.handshake.map { Quantity.text(seconds: $0) } },
      read: { $0.model.handshake = try Quantity.seconds($1) }),
    cost("reduce-rate", "bytes that a rank adds", \.reduceCost),
    cost("memory-rate", "bytes that a rank reads or writes", \.memoryCost),
    time("fence", "meeting of a node's ranks", \.fence),
    time("local-latency", "of a message within a node", \.localLatency),
    speed("local-bandwidth", "of a message within a node", \.localBandwidth),
    Key(
      name: "cores", help: "processors of a node (default: one per rank)",
      write: { $0.model.cores.map { "\($0)" } },
      read: { $0.model.cores = try count($1) }),
    Key(
      name: "one-machine", help: "yes: nodes are namespaces, cores is what all have together",
      write: { $0.model.isOneMachine ? "yes" : nil },
      read: { description, text in
        guard ["yes", "no", "true", "false"].contains(text) else {
          throw UsageError("'\(text)': yes or no is needed")
        }
        description.model.isOneMachine = text == "yes" || text == "true"
      }),
    Key(
      name: "slow-nodes", help: "factors of single nodes' links, as in 3:0.5,7:0.25",
      write: { description in
        let speeds = description.model.nodeSpeed.sorted { $0.key < $1.key }
        return speeds.isEmpty ? nil : speeds.map { "\($0.key):\($0.value)" }.joined(separator: ",")
      },
      read: { description, text in
        for pair in text.split(separator: ",") {
          let parts = pair.split(separator: ":")
          guard parts.count == 2, let node = Int(parts[0]), let factor = Double(parts[1]) else {
            throw UsageError("'\(text)': nodes and factors as in 3:0.5,7:0.25 are needed")
          }
          description.model.nodeSpeed[node] = factor
        }
      }),
  ]

  private static func count(_ text: String) throws -> Int {
    guard let number = Int(text), (1...1 << 20).contains(number) else {
      throw UsageError("'\(text)': a whole number from 1 to \(1 << 20) is needed")
    }
    return number
  }

  private static func whole(
    _ name: String, _ help: String, _ path: WritableKeyPath<ClusterDescription, Int> & Sendable
  ) -> Key {
    Key(
      name: name, help: help, write: { "\($0[keyPath: path])" },
      read: { $0[keyPath: path] = try count($1) })
  }

  private static func time(
    _ name: String, _ help: String, _ path: WritableKeyPath<ClusterModel, Double> & Sendable
  ) -> Key {
    Key(
      name: name, help: help, write: { Quantity.text(seconds: $0.model[keyPath: path]) },
      read: { $0.model[keyPath: path] = try Quantity.seconds($1) })
  }

  private static func bytes(
    _ name: String, _ help: String, _ path: WritableKeyPath<ClusterModel, Int> & Sendable
  ) -> Key {
    Key(
      name: name, help: "bytes " + help, write: { ByteCount.text($0.model[keyPath: path]) },
      read: { $0.model[keyPath: path] = try ByteCount.parse($1) })
  }

  private static func speed(
    _ name: String, _ help: String, _ path: WritableKeyPath<ClusterModel, Double> & Sendable
  ) -> Key {
    Key(
      name: name, help: help, write: { Quantity.text(bytesPerSecond: $0.model[keyPath: path]) },
      read: { $0.model[keyPath: path] = try Quantity.bytesPerSecond($1) })
  }

  /// Seconds per byte, written as bytes per second.
  private static func cost(
    _ name: String, _ help: String, _ path: WritableKeyPath<ClusterModel, Double> & Sendable
  ) -> Key {
    Key(
      name: name, help: help,
      write: { description in
        let cost = description.model[keyPath: path]
        return cost > 0 ? String(format: "%.4gGB/s", 1e-9 / cost) : nil
      },
      read: { $0.model[keyPath: path] = 1 / (try Quantity.bytesPerSecond($1)) })
  }

  /// Takes over a key's value.
  mutating func set(_ name: String, _ text: String, from source: String) throws {
    guard let key = Self.keys.first(where: { $0.name == name }) else {
      throw UsageError(
        "\(source): "
          + "\(UnknownName(kind: "key", name: name, known: Self.keys.map(\.name)))")
    }
    do { try key.read(&self, text) } catch let error as UsageError {
      throw UsageError("\(source): \(name) \(error)")
    }
  }

  /// Takes over a file's keys.
  mutating func read(_ path: String) throws {
    let text = String(decoding: try AtomicFile.read(path), as: UTF8.self)
    let node: Node?
    do { node = try Yams.compose(yaml: text) } catch {
      throw UsageError("\(path): not YAML: \(error)")
    }
    guard let mapping = node?.mapping else { throw UsageError("\(path): it holds no keys") }
    for (key, value) in mapping {
      guard let name = key.string, let text = value.string else {
        throw UsageError("\(path): one value per key is needed")
      }
      try set(name, text, from: path)
    }
  }

  /// The description as a file, one line per key.
  var yaml: String {
    Self.keys.reduce(into: "") { text, key in
      if let value = key.write(self) { text += "\(key.name): \(value)\n" }
    }
  }

  /// Which ranks share nodes.
  func topology(nodes count: Int) -> Topology {
    Topology(nodes: (0..<count * ranksPerNode).map { $0 / ranksPerNode })
  }
}
