import LinuxNetlink
import LinuxSystem
import SystemPackage

/// The interfaces of a container that runs, put back when somebody has taken them away, without touching its processes.
package struct RestoredInterfaces {
  /// Those of which there is no pair any more.
  package var missing: [InterfaceSpecification] = []
  /// The machine's ends that are there, but down, or not ports of their bridges.
  package var detached: [(link: Link, interface: InterfaceSpecification)] = []

  package init() {}

  package var isEmpty: Bool { missing.isEmpty && detached.isEmpty }

  /// Makes the container's network whole: pairs with the names and addresses that they had, and the default route, if it led
  /// through one of them.
  ///
  /// For a process of its own, single-threaded: it enters the container's network namespace, and stays there.
  /// - Parameter process: one of the container; it is not signalled.
  /// - Throws: `LaunchError` when a bridge is gone, `NetlinkError` and `SystemCallError` when the kernel refuses.
  package func put(into process: ProcessHandle) throws {
    // Of the machine's namespace, also after this process has left it.
    let machine = try RouteSocket()
    for (link, interface) in detached {
      try machine.restore(
        link, group: interface.group, bridge: try machine.bridge(of: interface), hairpin: interface.isHairpin)
    }
    if missing.isEmpty { return }
    try NetworkNamespace.join(process)
    let namespace = try Files.open("/proc/self/ns/net")
    let inside = try RouteSocket()
    for interface in missing {
      // The container's end stays where the machine's was moved to another namespace, and would be in the way.
      try inside.deleteLink(named: interface.name)
      let bridge = try machine.bridge(of: interface)
      try machine.createVeth(interface.pair(on: bridge, peer: .descriptor(namespace.borrowed)))
    }
    try ContainerNetwork(missing).configureInside()
  }
}

extension RouteSocket {
  func bridge(of interface: InterfaceSpecification) throws -> Int32 {
    guard let bridge = try index(ofLink: interface.bridge) else {
      throw LaunchError("make interface \(interface.name)", "the bridge \(interface.bridge) is gone")
    }
    return bridge
  }
}

extension InterfaceSpecification {
  func pair(on bridge: Int32, peer namespace: VethSpecification.NetworkNamespace) -> VethSpecification {
    VethSpecification(
      hostName: hostName, bridge: bridge, group: group, mtu: mtu.map(UInt32.init(clamping:)), peerName: name,
      peerAddress: hardwareAddress ?? MACAddress(of: address), peerNamespace: namespace, hairpin: isHairpin)
  }
}
