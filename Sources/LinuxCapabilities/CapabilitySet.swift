import LinuxSystem
import SystemPackage

/// A set of capabilities (capabilities(7)): bit n is the capability with the number n.
///
/// Bits above the last capability with a name here are kept: a newer kernel may know them.
package struct CapabilitySet: OptionSet, Hashable, Sendable {
  package let rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The set of one capability.
  package init(number: Int) {
    rawValue = (0..<64).contains(number) ? 1 << UInt64(number) : 0
  }

  /// What a container gets unless it asks for more or less: podman's default.
  ///
  /// It is Docker's without `MKNOD`, `NET_RAW` and `AUDIT_WRITE`, which let a container make device nodes, forge packets and
  /// write to the audit log, and which hardly any program of an image needs.
  package static let containerDefault: CapabilitySet = [
    .chown, .dacOverride, .fsetid, .fowner, .setgid, .setuid, .setfcap, .setpcap, .netBindService, .sysChroot, .kill,
  ]

  package static let chown = CapabilitySet(number: 0)
  package static let dacOverride = CapabilitySet(number: 1)
  package static let dacReadSearch = CapabilitySet(number: 2)
  package static let fowner = CapabilitySet(number: 3)
  package static let fsetid = CapabilitySet(number: 4)
  package static let kill = CapabilitySet(number: 5)
  package static let setgid = CapabilitySet(number: 6)
  package static let setuid = CapabilitySet(number: 7)
  package static let setpcap = CapabilitySet(number: 8)
  package static let linuxImmutable = CapabilitySet(number: 9)
  package static let netBindService = CapabilitySet(number: 10)
  package static let netBroadcast = CapabilitySet(number: 11)
  package static let netAdmin = CapabilitySet(number: 12)
  package static let netRaw = CapabilitySet(number: 13)
  package static let ipcLock = CapabilitySet(number: 14)
  package static let ipcOwner = CapabilitySet(number: 15)
  package static let sysModule = CapabilitySet(number: 16)
  package static let sysRawio = CapabilitySet(number: 17)
  package static let sysChroot = CapabilitySet(number: 18)
  package static let sysPtrace = CapabilitySet(number: 19)
  package static let sysPacct = CapabilitySet(number: 20)
  package static let sysAdmin = CapabilitySet(number: 21)
  package static let sysBoot = CapabilitySet(number: 22)
  package static let sysNice = CapabilitySet(number: 23)
  package static let sysResource = CapabilitySet(number: 24)
  package static let sysTime = CapabilitySet(number: 25)
  package static let sysTtyConfig = CapabilitySet(number: 26)
  package static let mknod = CapabilitySet(number: 27)
  package static let lease = CapabilitySet(number: 28)
  package static let auditWrite = CapabilitySet(number: 29)
  package static let auditControl = CapabilitySet(number: 30)
  package static let setfcap = CapabilitySet(number: 31)
  package static let macOverride = CapabilitySet(number: 32)
  package static let macAdmin = CapabilitySet(number: 33)
  package static let syslog = CapabilitySet(number: 34)
  package static let wakeAlarm = CapabilitySet(number: 35)
  package static let blockSuspend = CapabilitySet(number: 36)
  package static let auditRead = CapabilitySet(number: 37)
  package static let perfmon = CapabilitySet(number: 38)
  package static let bpf = CapabilitySet(number: 39)
  package static let checkpointRestore = CapabilitySet(number: 40)

  /// The numbers of the members, ascending.
  package var numbers: [Int] {
    (0..<64).filter { rawValue & (1 << UInt64($0)) != 0 }
  }

  /// The names of the members, `CAP_CHOWN` and so on, in the order of the numbers.
  package var members: [String] { numbers.map(CapabilityName.name(of:)) }

  /// All capabilities of a kernel whose last one is `number` (/proc/sys/kernel/cap_last_cap).
  package static func all(last number: Int) -> CapabilitySet {
    CapabilitySet(rawValue: number >= 63 ? .max : number < 0 ? 0 : (1 << UInt64(number + 1)) - 1)
  }

  /// All capabilities that the running kernel knows.
  package static func allOfKernel() throws(SystemCallError) -> CapabilitySet {
    let path = "/proc/sys/kernel/cap_last_cap"
    let text = try Files.text(path)
    guard let number = Int(text.filter(\.isNumber)) else { throw SystemCallError("read", on: path, .badMessage) }
    return all(last: number)
  }
}

extension CapabilitySet: CustomStringConvertible {
  /// `CAP_CHOWN,CAP_KILL`, in the order of the numbers.
  package var description: String { members.joined(separator: ",") }
}

extension CapabilitySet: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(rawValue: try reader.integer())
  }
  package func write(to writer: inout WireWriter) {
    writer.integer(rawValue)
  }
}
