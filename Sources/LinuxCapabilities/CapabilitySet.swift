/// A set of capabilities (capabilities(7)), one bit each.
package struct CapabilitySet: OptionSet, Hashable, Sendable {
  package let rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The kernel's names by number (linux/capability.h).
  static let names = [
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
  ]

  /// CAP_MKNOD: making device nodes.
  package static let makeNodes = CapabilitySet(number: 27)

  /// Every capability that has a name here.
  package static let all = CapabilitySet(rawValue: (1 << UInt64(names.count)) - 1)

  /// What a container has unless it is told otherwise: podman's eleven. Docker gives MKNOD, NET_RAW and AUDIT_WRITE on top;
  /// ping works without (net.ipv4.ping_group_range), and the other two serve attacks more than services.
  package static let containerDefault: CapabilitySet = {
    let wanted = [
      "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP",
      "SETUID", "SYS_CHROOT",
    ]
    return wanted.reduce(into: []) { set, name in
      if let number = names.firstIndex(of: name) { set.insert(CapabilitySet(number: number)) }
    }
  }()

  package init(number: Int) {
    self.init(rawValue: 1 << UInt64(number))
  }

  /// The capability of a name: `CAP_NET_ADMIN` or `net_admin`; nil when there is none.
  package init?(named name: String) {
    var name = name.uppercased()
    if name.hasPrefix("CAP_") { name.removeFirst(4) }
    guard let number = Self.names.firstIndex(of: name) else { return nil }
    self.init(number: number)
  }

  /// `CAP_CHOWN` and so on, by number.
  package var members: [String] {
    Self.names.indices.filter { contains(CapabilitySet(number: $0)) }.map { "CAP_\(Self.names[$0])" }
  }
}

/// A name that is no capability.
package struct UnknownCapability: Error, Hashable, Sendable, CustomStringConvertible {
  package let name: String
  package var description: String { "there is no capability \(name) (man 7 capabilities)" }
}

/// The five sets of a process.
package struct CapabilityState: Hashable, Sendable {
  package var bounding: CapabilitySet
  package var effective: CapabilitySet
  package var permitted: CapabilitySet
  package var inheritable: CapabilitySet
  package var ambient: CapabilitySet

  package init(
    bounding: CapabilitySet, effective: CapabilitySet, permitted: CapabilitySet, inheritable: CapabilitySet,
    ambient: CapabilitySet
  ) {
    self.bounding = bounding
    self.effective = effective
    self.permitted = permitted
    self.inheritable = inheritable
    self.ambient = ambient
  }

  /// The sets of a container with `cap_add` and `cap_drop` of the Compose Specification: what is dropped goes first, then
  /// what is added comes; `ALL` stands for all. Inheritable and ambient stay empty (CVE-2022-24769).
  package static func resolve(
    add: [String], drop: [String], privileged: Bool, available: CapabilitySet = .all
  ) throws(UnknownCapability) -> CapabilityState {
    // Nobody can give what they do not have: a privileged container gets everything that there is.
    var set = privileged ? CapabilitySet.all.intersection(available) : .containerDefault
    for name in drop { set.subtract(try named(name)) }
    for name in add { set.formUnion(try named(name)) }
    return CapabilityState(bounding: set, effective: set, permitted: set, inheritable: [], ambient: [])
  }

  private static func named(_ name: String) throws(UnknownCapability) -> CapabilitySet {
    if name.uppercased() == "ALL" { return .all }
    guard let set = CapabilitySet(named: name) else { throw UnknownCapability(name: name) }
    return set
  }
}
