import InternetAddress
package struct StackRules {
  package struct Bridge { package init(name: String, subnet: IPv4Subnet, gateway: IPv4Address, isInternal: Bool) {} }
  package struct PublishedPort { package enum T { case tcp, udp }; package init(hostAddress: IPv4Address?, hostPort: UInt16, transport: T, destination: IPv4Address, destinationPort: UInt16) {} }
  package init(tableName: String, bridges: [Bridge], ports: [PublishedPort]) {}
}
package struct FirewallSocket { package init() throws {}; package func apply(_ r: StackRules) throws {}; package func delete(table: String) throws {} }
package struct HostForwarding { package init(bridges: [String]) {}; package func enable() throws {} }
