import LinuxCapabilities
import LinuxSeccomp
import LinuxSystem
import StackModel

/// The seccomp filter of each service, from the cache where possible.
struct SeccompFilters {
  let cache: SeccompCache

  /// - Returns: nil for a service without a filter.
  func filter(for service: Service) throws(EngineError) -> [UInt8]? {
    if service.isPrivileged { return nil }
    let profile: SeccompProfile
    switch service.seccomp {
    case .unconfined: return nil
    case .default: profile = .default
    case .profile(let path):
      let bytes = try engineStep(service.name) { try Files.readAll(path, limit: 4 << 20) }
      profile = try engineStep(service.name, kind: .usage) { try SeccompProfile(json: bytes, source: path) }
    }
    let capabilities = try service.grantedCapabilities()
    return try engineStep(service.name) { try cache.filter(for: profile, capabilities: capabilities) }.wireBytes
  }
}

extension Service {
  /// What the containers of the service may use: `cap_add`, `cap_drop` and `privileged` on this machine.
  ///
  /// What the caller does not have itself is left out, as OCI runtimes do: a stack that runs on a whole machine also runs in a
  /// container that has less.
  func grantedCapabilities() throws(EngineError) -> CapabilitySet {
    do throws(UnknownCapabilities) {
      return try CapabilityGrant.resolve(
        add: addedCapabilities, drop: droppedCapabilities, privileged: isPrivileged,
        available: ProcessCapabilities.bounding()
      ).granted
    } catch {
      throw EngineError(.usage, name, "\(error)")
    }
  }
}
