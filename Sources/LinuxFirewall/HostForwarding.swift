import LinuxSystem
import SystemPackage

/// The settings of the kernel, in /proc/sys/net of the caller's network namespace, without which bridges lead nowhere.
package enum HostForwarding {
  /// Lets the host forward IPv4 packets (ip(7) ip_forward).
  ///
  /// This makes the host a router between its other interfaces too, as far as its own firewall lets it.
  /// - Returns: whether it did not before.
  package static func enable() throws(SystemCallError) -> Bool {
    let path = "/proc/sys/net/ipv4/ip_forward"
    if try Files.text(path).first != "0" { return false }
    try Files.write("1", to: path)
    return true
  }

  /// Makes a bridge ready to carry published ports.
  ///
  /// - Parameter bridge: the name of an interface that exists.
  package static func prepare(bridge: String) throws(SystemCallError) {
    // Without it packets of connections to 127.0.0.1 may not go out by the bridge, nor answers come back by it.
    try Files.write("1", to: "/proc/sys/net/ipv4/conf/\(bridge)/route_localnet")
    do throws(SystemCallError) {
      // Networks are IPv4: a link-local address of the host on the bridge would be a way round the rules, and taking router
      // advertisements from a container another.
      try Files.write("1", to: "/proc/sys/net/ipv6/conf/\(bridge)/disable_ipv6")
    } catch  where error.errno == .noSuchFileOrDirectory {
      // The kernel has no IPv6.
    }
  }

  /// Whether frames that a bridge carries from port to port pass the IPv4 firewall (`net.bridge.bridge-nf-call-iptables`).
  package static var bridgesCallFirewall: Bool {
    // The file is there only with the module br_netfilter.
    (try? Files.text("/proc/sys/net/bridge/bridge-nf-call-iptables"))?.first == "1"
  }
}
