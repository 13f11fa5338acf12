import ArgumentParser
import StackStore

/// What `ps --filter` asks of a container, in docker's words.
struct ContainerFilter {
  enum Key: String, CaseIterable { case status, name, service, health, label, id }

  let key: Key
  let value: String

  init(_ key: Key, _ value: String) {
    self.key = key
    self.value = value
  }

  /// `KEY=VALUE`.
  init(_ text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2, let key = Key(rawValue: parts[0]) else {
      let keys = Key.allCases.map { "\($0.rawValue)=" }.joined(separator: ", ")
      throw ValidationError("\(text) is no filter: one of \(keys) and a value")
    }
    self.init(key, parts[1])
  }

  /// Of filters with one key any has to hold; of labels all.
  static func admits(_ container: ContainerSummary, _ filters: [ContainerFilter]) -> Bool {
    Key.allCases.allSatisfy { key in
      let own = filters.filter { $0.key == key }
      return own.isEmpty
        || (key == .label ? own.allSatisfy { $0.holds(container) } : own.contains { $0.holds(container) })
    }
  }

  private func holds(_ container: ContainerSummary) -> Bool {
    switch key {
    case .status: return container.stateName == value
    case .name: return container.name.contains(value)
    case .service: return container.record.service == value
    case .health: return container.health.isEmpty ? value == "none" : container.health == value
    case .id: return container.id.hasPrefix(value)
    case .label:
      let parts = value.split(separator: "=", maxSplits: 1).map(String.init)
      let found = container.record.allLabels[parts.first ?? value]
      return parts.count < 2 ? found != nil : found == parts[1]
    }
  }
}
