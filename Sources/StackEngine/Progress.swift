import StackModel
import StackStore

/// What happens to the parts of a stack, as it happens.
package struct ProgressEvent: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable { case stack, network, volume, container, image }

  package enum Phase: String, Hashable, Sendable {
    case creating, created, starting, started, running, healthy, completed, stopping, stopped, killed, removed, failed,
      skipped, paused, unpaused
    /// It is as asked for, and something stands in its way.
    case hindered
  }

  package let kind: Kind
  package let name: String
  package let phase: Phase
  package let detail: String?
  /// Since the operation began; nanoseconds.
  package let time: UInt64

  package init(_ kind: Kind, _ name: String, _ phase: Phase, detail: String? = nil, time: UInt64 = 0) {
    self.kind = kind
    self.name = name
    self.phase = phase
    self.detail = detail
    self.time = time
  }
}

/// A container that an operation is about to start, or finds running, with what it waits for.
package struct PlannedContainer: Hashable, Sendable {
  package struct Need: Hashable, Sendable {
    package let container: String
    /// What the file calls it.
    package let service: String
    package let condition: Dependency.Condition
  }

  package let name: String
  /// Whether there will be word of its health.
  package let awaitsHealth: Bool
  package let needs: [Need]
}

/// Who is told of progress.
package protocol ProgressObserver {
  func report(_ event: ProgressEvent)
  /// What is about to be started, for those who ask: putting it together costs time.
  func planned(_ containers: () -> [PlannedContainer])
  /// An operation has failed: what it made is still there, and is taken back next.
  /// - Parameter dependents: for each service those that need it, also those that were not made.
  func failed(_ error: EngineError, _ containers: [ContainerStatus], dependents: [String: [String]])
}

extension ProgressObserver {
  package func planned(_ containers: () -> [PlannedContainer]) {}
  package func failed(_ error: EngineError, _ containers: [ContainerStatus], dependents: [String: [String]]) {}
}
