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
    switch service.seccomp {
    case .unconfined: return nil
    case .default: return try compiled(Array("default".utf8), service) { .default }
    case .profile(let path):
      let bytes = try engineStep(service.name) { try Files.readAll(path, limit: 4 << 20) }
      return try compiled(bytes, service) {
        do throws(SeccompProfileError) {
          return try SeccompProfile(json: bytes)
        } catch {
          throw EngineError(.usage, service.name, "seccomp profile \(path): \(error)")
        }
      }
    }
  }

  private func compiled(
    _ source: [UInt8], _ service: Service, _ profile: () throws -> SeccompProfile
  ) throws(EngineError) -> [UInt8] {
    try engineStep(service.name) {
      let state = try CapabilityState.resolve(
        add: service.addedCapabilities, drop: service.droppedCapabilities, privileged: false)
      let release = try Files.text("/proc/sys/kernel/osrelease")
      var key = WireWriter()
      key.data(source)
      key.value(Self.version)
      key.value(state.effective.rawValue)
      key.value(release)
      return try cache.filter(for: key.bytes) {
        let kernel = KernelVersion(release) ?? KernelVersion(major: 5, minor: 15)
        return try SeccompCompiler(capabilities: state.effective.members, kernel: kernel).compile(try profile())
      }.wireBytes
    }
  }

  /// Goes up when the default profile or the compiler changes.
  private static let version = 1
}
