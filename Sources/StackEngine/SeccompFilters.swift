import LinuxCapabilities
import LinuxSeccomp
import LinuxSystem
import StackModel

/// The seccomp filter of each service, from the cache where possible.
final class SeccompFilters {
  private let cache: SeccompCache
  /// Most services of a stack have the same: one look into the cache is enough for them.
  private var known: [Choice: [UInt8]] = [:]

  private struct Choice: Hashable {
    let profile: SeccompChoice
    let capabilities: CapabilitySet
  }

  init(cache: SeccompCache) {
    self.cache = cache
  }

  /// - Returns: nil for a service without a filter.
  func filter(for service: Service) throws(EngineError) -> [UInt8]? {
    if service.isPrivileged || service.seccomp == .unconfined { return nil }
    let choice = Choice(profile: service.seccomp, capabilities: try service.grantedCapabilities())
    if let known = known[choice] { return known }
    let profile = try profile(of: service)
    let filter = try engineStep(service.name) {
      try cache.filter(for: profile, capabilities: choice.capabilities)
    }.wireBytes
    known[choice] = filter
    return filter
  }

  private func profile(of service: Service) throws(EngineError) -> SeccompProfile {
    switch service.seccomp {
    case .default, .unconfined: return .default
    case .profile(let path):
      let bytes: [UInt8]
      do throws(SystemCallError) {
        bytes = try Files.readAll(path, limit: 4 << 20)
      } catch {
        throw EngineError(.failure, service.name, "seccomp profile \(path): \(error.errno)")
      }
      return try engineStep(service.name, kind: .usage) { try SeccompProfile(json: bytes, source: path) }
    }
  }
}

extension Service {
  private static let availableCapabilities = ProcessCapabilities.bounding()

  /// What the containers of the service may use: `cap_add`, `cap_drop` and `privileged` on this machine.
  ///
  /// What the caller does not have itself is left out, as OCI runtimes do: a stack that runs on a whole machine also runs in a
  /// container that has less.
  func grantedCapabilities() throws(EngineError) -> CapabilitySet {
    do throws(UnknownCapabilities) {
      return try CapabilityGrant.resolve(
        add: addedCapabilities, drop: droppedCapabilities, privileged: isPrivileged,
        available: Self.availableCapabilities
      ).granted
    } catch {
      throw EngineError(.usage, name, "\(error)")
    }
  }
}
