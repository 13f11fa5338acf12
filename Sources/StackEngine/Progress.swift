import StackStore

/// What happens to the parts of a stack, as it happens.
package struct ProgressEvent: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable { case stack, network, volume, container, image }

  package enum Phase: String, Hashable, Sendable {
    case creating, created, starting, started, running, healthy, stopping, stopped, killed, removed, failed, skipped,
      noticed, paused, unpaused
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

/// Who is told of progress.
package protocol ProgressObserver {
  func report(_ event: ProgressEvent)
  /// An operation has failed: what it made is still there, and is taken back next.
  func failed(_ error: EngineError, _ containers: [ContainerStatus])
}

extension ProgressObserver {
  package func failed(_ error: EngineError, _ containers: [ContainerStatus]) {}
}
