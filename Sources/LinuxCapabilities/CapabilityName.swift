import LinuxSystem

/// Names and numbers of capabilities (linux/capability.h).
package enum CapabilityName {
  /// Without `CAP_`; the index is the number.
  private static let names: [String] = [
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
  ]

  /// `CAP_NET_ADMIN`; `CAP_41` when the capability is newer than this table.
  package static func name(of number: Int) -> String {
    names.indices.contains(number) ? "CAP_\(names[number])" : "CAP_\(number)"
  }

  /// The number of `CAP_NET_ADMIN`, `NET_ADMIN` or `net_admin`; nil when there is no such capability.
  package static func number(of name: String) -> Int? {
    names.firstIndex(of: plain(name))
  }

  /// Whether `name` stands for every capability.
  package static func isAll(_ name: String) -> Bool {
    plain(name) == "ALL"
  }

  private static func plain(_ name: String) -> String {
    let upper = name.uppercased()
    return upper.hasPrefix("CAP_") ? String(upper.dropFirst(4)) : upper
  }

  /// The names that an unknown one was most likely meant to be, best first, at most four.
  static func near(_ name: String) -> [String] {
    let wanted = plain(name)
    guard !wanted.isEmpty else { return [] }
    let scored = names.enumerated().compactMap { index, candidate -> (score: Int, index: Int)? in
      let distance = EditDistance.between(wanted, candidate)
      // A part of a name (`NET`, `ADMIN`) is as good a hint as two wrong letters.
      if wanted.utf8.count > 2 && candidate.contains(wanted) { return (min(distance, 2), index) }
      return distance <= max(2, wanted.utf8.count / 4) ? (distance, index) : nil
    }
    return scored.sorted { ($0.score, $0.index) < ($1.score, $1.index) }.prefix(4).map { Self.name(of: $0.index) }
  }
}

/// Names that no capability has.
package struct UnknownCapabilities: Error, Hashable, Sendable, CustomStringConvertible {
  /// As they were written.
  package let names: [String]

  package init(names: [String]) {
    self.names = names
  }

  /// `unknown capability "NET_ADMN" (did you mean CAP_NET_ADMIN?)`
  package var description: String {
    names.map { name in
      let near = CapabilityName.near(name)
      return near.isEmpty
        ? "unknown capability \"\(name)\""
        : "unknown capability \"\(name)\" (did you mean \(near.joined(separator: " or "))?)"
    }.joined(separator: "; ")
  }
}
