import CSeccomp
import LinuxCapabilities
import LinuxSystem
import SystemPackage

/// Filters that were compiled before, one file each.
///
/// A file belongs to a profile with all its rules, a container's capabilities, the kernel, the version of libseccomp, and the
/// program's own way to compile: the file holds all of that, and is believed only if it is the same to the last byte.
/// Whatever is wrong with a file, the filter is compiled again.
package struct SeccompCache: Sendable {
  /// Raised when the same input gives another filter.
  private static let format: UInt32 = 1

  private let directory: String

  /// - Parameter directory: made when the first filter is kept. Must be writable by the caller's user alone: a filter read
  ///   from it is loaded as it is.
  package init(directory: String) {
    self.directory = directory
  }

  /// The filter for a container, read or compiled.
  package func filter(
    for profile: SeccompProfile, capabilities: CapabilitySet
  ) throws(SeccompError) -> CompiledFilter {
    let key = Self.key(profile, capabilities)
    let path = "\(directory)/\(Self.fileName(key))"
    if let kept = Self.read(path, key: key) { return kept }
    let filter = try profile.compile(capabilities: capabilities)
    // Best effort: without the file the next container takes some milliseconds longer.
    try? keep(filter, at: path, key: key)
    return filter
  }

  private func keep(_ filter: CompiledFilter, at path: String, key: [UInt8]) throws(SystemCallError) {
    var writer = WireWriter()
    writer.data(key)
    writer.value(filter)
    writer.integer(Self.checksum(writer.bytes))
    do throws(SystemCallError) {
      try Files.replace(path, with: writer.bytes)
    } catch  where error.errno == .noSuchFileOrDirectory {
      try Files.makeDirectories(directory)
      try Files.replace(path, with: writer.bytes)
    }
  }

  private static func read(_ path: String, key: [UInt8]) -> CompiledFilter? {
    guard let bytes = try? Files.readAll(path, limit: 1 << 20), bytes.count > 8 else { return nil }
    let body = Array(bytes.dropLast(8))
    var checksum = WireReader(Array(bytes.suffix(8)))
    guard (try? checksum.integer(UInt64.self)) == Self.checksum(body) else { return nil }
    var reader = WireReader(body)
    do throws(WireError) {
      guard try reader.data() == key else { return nil }
      let filter = try reader.value(CompiledFilter.self)
      try reader.finish()
      return filter
    } catch {
      return nil
    }
  }

  /// Everything that the filter depends on.
  private static func key(_ profile: SeccompProfile, _ capabilities: CapabilitySet) -> [UInt8] {
    var writer = WireWriter()
    writer.integer(format)
    writer.value(SeccompArchitecture.native.name)
    writer.value(KernelRelease.running)
    if let version = unsafe seccomp_version() {
      for number in unsafe [version.pointee.major, version.pointee.minor, version.pointee.micro] {
        writer.integer(number)
      }
    }
    writer.value(capabilities)
    profile.writeCanonically(to: &writer)
    return writer.bytes
  }

  /// Two keys with the same name would replace each other's file, nothing worse: a checksum is enough.
  private static func fileName(_ key: [UInt8]) -> String {
    let digest = String(checksum(key), radix: 16)
    return "\(String(repeating: "0", count: 16 - digest.count))\(digest).seccomp"
  }

  /// FNV-1a, 64 bits.
  private static func checksum(_ bytes: [UInt8]) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash
  }
}

extension SeccompProfile {
  /// All that the profile says, in one order.
  fileprivate func writeCanonically(to writer: inout WireWriter) {
    writer.integer(defaultAction.rawValue)
    writer.integer(flags.rawValue)
    let others =
      switch architectures {
      case .listed(let list): list
      case .mapped(let map): map[.native] ?? []
      }
    writer.value(others.map(\.name))
    writer.integer(UInt32(rules.count))
    for rule in rules { rule.write(to: &writer) }
    writer.integer(UInt32(refusals.count))
    for refusal in refusals {
      writer.value(refusal.name)
      writer.value(refusal.argument)
      writer.value(refusal.values)
    }
  }
}

extension SeccompRule {
  fileprivate func write(to writer: inout WireWriter) {
    writer.integer(action.rawValue)
    writer.value(names)
    writer.integer(UInt32(conditions.count))
    for condition in conditions {
      writer.value(condition.argument)
      writer.value(condition.comparison.rawValue)
      writer.value(condition.value)
      writer.value(condition.second)
    }
    for scope in [includes, excludes] {
      writer.value(scope.capabilities)
      writer.value(scope.unknownCapabilities)
      writer.value(scope.architectures)
      writer.value(scope.minimumKernel.map { [$0.major, $0.minor] } ?? [])
    }
  }
}
