import LinuxSystem
import StackDNS
import StackStore

/// Containers of other stacks on networks that this one shares with them: theirs that it uses, and its own that they use.
///
/// Nothing tells when they come and go, so they are looked for again when a name is asked for, but not at every question.
final class Neighbours {
  /// Nanoseconds.
  private static let pause: UInt64 = 100_000_000

  private let paths: StatePaths
  private let project: String
  private var lookedAt: UInt64 = 0
  /// Of those that run.
  private(set) var endpoints: [NameTable.Endpoint] = []
  /// Of all, running or not.
  private(set) var names: Set<String> = []

  init(paths: StatePaths, project: String) {
    self.paths = paths
    self.project = project
  }

  /// Looks for them again.
  /// - Returns: whether they are others than before.
  func refresh(on networks: [NetworkRecord]) -> Bool {
    let now = KernelClock.monotonic
    guard now - lookedAt >= Self.pause else { return false }
    lookedAt = now
    // What cannot be read is being written or removed: that is seen the next time.
    let others = ((try? paths.projects()) ?? []).filter { $0 != project }
    let found = others.flatMap { (try? containers(of: $0, on: networks)) ?? [] }
    let before = (endpoints, names)
    endpoints = found.filter(\.isRunning).map(\.endpoint)
    names = Set(found.flatMap(\.endpoint.names))
    return before != (endpoints, names)
  }

  private func containers(
    of project: String, on networks: [NetworkRecord]
  ) throws -> [(endpoint: NameTable.Endpoint, isRunning: Bool)] {
    let directory = paths.project(project)
    var keys: [String: String] = [:]
    for network in try directory.readNetworks() {
      // A network is known by its bridge, under whatever name each stack has it.
      if let own = networks.first(where: { $0.bridge == network.bridge }) { keys[network.key] = own.key }
    }
    if keys.isEmpty { return [] }
    return try directory.statuses().flatMap { status -> [(endpoint: NameTable.Endpoint, isRunning: Bool)] in
      guard let record = status.record else { return [] }
      let isRunning = if case .running = status.state { true } else { false }
      return record.attachments.compactMap { attachment in
        guard let network = keys[attachment.network] else { return nil }
        let endpoint = NameTable.Endpoint(
          container: status.directory.name, network: network, address: attachment.address,
          names: record.names(on: attachment, of: status.directory))
        return (endpoint, isRunning)
      }
    }
  }
}

extension ContainerRecord {
  /// What a container is called on a network: first the name by which a reverse lookup knows it.
  func names(on attachment: Attachment, of directory: ContainerDirectory) -> [String] {
    [directory.name] + (isOneOff ? [] : [service]) + (containerName.map { [$0] } ?? []) + attachment.aliases
  }
}
