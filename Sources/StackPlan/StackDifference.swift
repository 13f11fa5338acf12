import StackModel

/// A container that a stack has now.
package struct RunningService: Sendable, Hashable {
  package enum State: Sendable, Hashable {
    case running
    /// It was made, and its process ended or never started.
    case stopped
    /// Its process ended by itself, with success: a job that is done.
    case completed
  }

  package var service: String
  /// What it was made from; nil when its record was lost.
  package var configurationHash: ConfigurationHash?
  package var state: State
  /// Its networks are not any more what they were when it was put on them.
  package var hasOtherNetworks: Bool

  package init(
    service: String, configurationHash: ConfigurationHash?, state: State, hasOtherNetworks: Bool = false
  ) {
    self.service = service
    self.configurationHash = configurationHash
    self.state = state
    self.hasOtherNetworks = hasOtherNetworks
  }
}

/// What an `up` has to do to each service of a stack that has containers already.
package struct StackDifference: Sendable, Hashable {
  package enum Reason: Sendable, Hashable, CustomStringConvertible {
    case configurationChanged
    /// It lives in a namespace of a service that is made anew or starts again.
    case namespaceOwnerReplaced(String)
    case forced
    /// What it was made from is not known any more.
    case recordLost

    package var description: String {
      switch self {
      case .configurationChanged: "its configuration changed"
      case .namespaceOwnerReplaced(let owner): "it shares a namespace of \(owner), which starts anew"
      case .forced: "asked for"
      case .recordLost: "its record was lost or damaged"
      }
    }
  }

  package enum Action: Sendable, Hashable {
    /// It runs as it should.
    case keep
    /// There is a container, as it should be, that does not run.
    case start
    /// It is as it should be and runs, but its networks are others: it is stopped, and started on those.
    case reconnect
    case create
    case recreate(Reason)
  }

  package enum Recreation: Sendable, Hashable {
    case whenChanged
    case never
    case always
  }

  package struct Entry: Sendable, Hashable {
    package let service: String
    package let action: Action

    package init(service: String, action: Action) {
      self.service = service
      self.action = action
    }
  }

  /// The wanted services in the order of the file.
  package let services: [Entry]
  /// Containers of services that are not wanted, by name.
  package let orphans: [String]

  /// - Parameters:
  ///   - wanted: the services of the stack with what they would be made from now.
  ///   - isSelected: the services that the `up` is about; others have no entry.
  package static func between(
    wanted: [(service: Service, hash: ConfigurationHash)], running: [RunningService],
    recreation: (Service) -> Recreation = { _ in .whenChanged }, isSelected: (String) -> Bool = { _ in true }
  ) -> StackDifference {
    let present = Dictionary(running.map { ($0.service, $0) }, uniquingKeysWith: { first, _ in first })
    var actions: [String: Action] = [:]
    for (service, hash) in wanted where isSelected(service.name) {
      actions[service.name] = action(hash, present[service.name], recreation(service))
    }
    followNamespaceOwners(wanted.map(\.service), &actions)
    followInitSteps(wanted.map(\.service), &actions)
    let known = Set(wanted.map(\.service.name))
    return StackDifference(
      services: wanted.compactMap { entry in
        actions[entry.service.name].map { Entry(service: entry.service.name, action: $0) }
      },
      orphans: present.keys.filter { !known.contains($0) }.sorted())
  }

  private static func action(
    _ hash: ConfigurationHash, _ present: RunningService?, _ recreation: Recreation
  ) -> Action {
    guard let present else { return .create }
    guard let known = present.configurationHash else { return .recreate(.recordLost) }
    let kept: Action =
      switch present.state {
      case .running, .completed: .keep
      case .stopped: .start
      }
    return switch recreation {
    case .always: .recreate(.forced)
    case .never: kept
    case .whenChanged:
      if known != hash {
        .recreate(.configurationChanged)
      } else {
        kept == .keep && present.state == .running && present.hasOtherNetworks ? .reconnect : kept
      }
    }
  }

  /// The steps before a start are done again when every container that they are for is made anew, and never beside one that
  /// runs.
  private static func followInitSteps(_ services: [Service], _ actions: inout [String: Action]) {
    for step in services {
      guard let place = step.initPlace, let own = actions[step.name] else { continue }
      let replicas = services.filter {
        $0.serviceName == step.serviceName && $0.initPlace == nil && !$0.isOneOff && place.precedes(replica: $0.number)
      }.compactMap { actions[$0.name] }
      if replicas.contains(.keep) {
        actions[step.name] = .keep
      } else if !replicas.contains(where: \.keepsContainer), own != .create {
        actions[step.name] = .recreate(.forced)
      }
    }
  }

  /// A namespace ends with its owner, or nobody new can enter it: who lives in it cannot stay. Owners may themselves live
  /// with others.
  private static func followNamespaceOwners(_ services: [Service], _ actions: inout [String: Action]) {
    var guests: [String: [String]] = [:]
    for service in services {
      for owner in service.namespaceOwners { guests[owner, default: []].append(service.name) }
    }
    var replaced = services.map(\.name).filter { actions[$0]?.replacesNamespaces == true }
    while let owner = replaced.popLast() {
      for guest in guests[owner] ?? [] where actions[guest] == .keep {
        actions[guest] = .recreate(.namespaceOwnerReplaced(owner))
        replaced.append(guest)
      }
    }
  }
}

extension StackDifference.Action {
  /// Whether the container that there is, is started.
  package var startsContainer: Bool { self == .start || self == .reconnect }

  fileprivate var keepsContainer: Bool { self == .keep || startsContainer }

  /// Whether the service gets new namespaces.
  fileprivate var replacesNamespaces: Bool {
    switch self {
    case .keep: false
    case .start, .reconnect, .create, .recreate: true
    }
  }
}
