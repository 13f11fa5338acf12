import CLinuxShim
import SystemPackage

/// A port of the host that nobody else can bind for as long as the reservation is held.
///
/// It is a bound socket that never listens: the kernel itself keeps the register of ports, and takes a reservation back when
/// its last holder ends.
package struct PortReservation {
  package let socket: SharedDescriptor
  /// What was asked for, or what the kernel chose for 0.
  package let port: UInt16

  /// Binds `port` of `address`, both in host byte order; address 0 is every address, port 0 lets the kernel choose.
  ///
  /// - Throws: `EADDRINUSE` when somebody has it, `EADDRNOTAVAIL` when the machine has no such address.
  package init(address: UInt32, port: UInt16, isStream: Bool) throws(SystemCallError) {
    let descriptor = try checked("bind", on: "port \(port)", stk_bind_ipv4(address, port, isStream ? 1 : 0))
    socket = SharedDescriptor(OwnedDescriptor(owning: descriptor))
    self.port = UInt16(truncatingIfNeeded: try checked("getsockname", stk_bound_port(descriptor)))
  }
}

/// The process that holds a port, as far as /proc tells.
///
/// A socket that is bound and does not listen is in no table of the kernel: the holders of reservations are found in the
/// records of the stacks instead.
package struct PortHolder: Hashable, Sendable {
  package let pid: Int
  /// The command line, its arguments separated by spaces.
  package let command: String

  /// Looks for the process with a socket bound to `port`. Needs CAP_SYS_PTRACE to see other users' processes.
  package static func find(port: UInt16, isStream: Bool) -> PortHolder? {
    let tables = isStream ? ["tcp", "tcp6"] : ["udp", "udp6"]
    let suffix = ":" + String(port, radix: 16, uppercase: true).leftPadded(to: 4)
    var sockets: Set<String> = []
    for table in tables {
      // Best effort throughout: the holder is a help for the reader, never a condition.
      let text = (try? Files.text("/proc/net/\(table)", limit: 64 << 20)) ?? ""
      for line in text.split(separator: "\n").dropFirst() {
        let fields = line.split(separator: " ")
        if fields.count > 9, fields[1].hasSuffix(suffix), fields[9] != "0" { sockets.insert("socket:[\(fields[9])]") }
      }
    }
    return sockets.isEmpty ? nil : first { sockets.contains($0) }
  }

  private static func first(where matches: (String) -> Bool) -> PortHolder? {
    for pid in ((try? Files.names(in: "/proc")) ?? []).compactMap(Int.init).sorted() {
      let directory = "/proc/\(pid)/fd"
      for name in (try? Files.names(in: directory)) ?? [] {
        if let link = try? Files.readLink("\(directory)/\(name)"), matches(link) {
          return PortHolder(pid: pid, command: command(of: pid))
        }
      }
    }
    return nil
  }

  private static func command(of pid: Int) -> String {
    let bytes = (try? Files.readAll("/proc/\(pid)/cmdline", limit: 1 << 20)) ?? []
    return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
  }
}

extension String {
  func leftPadded(to width: Int) -> String {
    String(repeating: "0", count: max(0, width - count)) + self
  }
}
