import Glibc
import LinuxNetlink
import LinuxSystem
import SystemPackage

/// The network of one container: both halves of its interfaces.
struct ContainerNetwork {
  private let interfaces: [InterfaceSpecification]
  private let isOwn: Bool
  /// Interfaces of the engine's kind: IPv4 only.
  private let isOfEngine: Bool

  init(_ container: ContainerSpecification) {
    interfaces = container.interfaces
    isOfEngine = container.listed == nil
    isOwn = container.listed.map { $0.namespaces.network == .own } ?? (container.namespaces.network == .own)
  }

  /// For a process that is no container.
  init(_ interfaces: [InterfaceSpecification]) {
    self.interfaces = interfaces
    isOwn = true
    isOfEngine = true
  }

  /// In the host's namespace: makes the pairs, each with one end in the namespace of the process.
  func makeInterfaces(for pid: pid_t) throws {
    if interfaces.isEmpty { return }
    let socket = try RouteSocket()
    for interface in interfaces {
      try make(interface.pair(on: try socket.bridge(of: interface), peer: .process(pid)), with: socket)
    }
  }

  private func make(_ veth: VethSpecification, with socket: RouteSocket) throws(NetlinkError) {
    do throws(NetlinkError) {
      try socket.createVeth(veth)
    } catch  where error.errno == .fileExists {
      // Of the container's last run: the kernel removes a namespace's links some time after its last process.
      try socket.deleteLink(named: veth.hostName)
      try socket.createVeth(veth)
    }
  }

  /// In the container's namespace: addresses and routes, and everything up.
  func configureInside() throws {
    guard isOwn else { return }
    let socket = try RouteSocket()
    try socket.configure(
      InterfaceConfiguration(
        interfaces: interfaces.map { .init(name: $0.name, address: $0.address, prefixLength: $0.prefixLength) },
        gateway: interfaces.lazy.compactMap(\.gateway).first))
  }

  /// In the container's namespace, before it has interfaces: those to come are IPv4 only, with no link-local address, and no
  /// ear for router advertisements (CVE-2020-13401). On an interface that exists this would spin for the kernel's lock.
  func prepareInside() throws(SystemCallError) {
    guard isOwn && isOfEngine else { return }
    do throws(SystemCallError) {
      try Files.write("1", to: "/proc/sys/net/ipv6/conf/default/disable_ipv6")
      // Who turns IPv6 on again by `sysctls` still hears none.
      try Files.write("0", to: "/proc/sys/net/ipv6/conf/default/accept_ra")
    } catch  where error.errno == .noSuchFileOrDirectory {
      // A kernel without IPv6.
    }
  }
}
