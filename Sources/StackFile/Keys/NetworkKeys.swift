extension KeyTable {
  static let port = KeyTable(
    "port",
    [
      Key("target", .integer(0...65535), "The port in the container", required: true),
      Key("published", .textOrNumber, "The port of the machine, or a range to choose from"),
      Key("host_ip", .text, "The machine's address to publish on"),
      Key("protocol", .text, "tcp or udp"),
      Key("mode", .text, .noEffect("there is one machine"), "host or ingress"),
      Key("name", .text, .noEffect("a name for readers"), "A name"),
      Key("app_protocol", .text, .noEffect("a hint for readers"), "What is spoken on the port"),
    ])

  static let attachment = KeyTable(
    "network", isNamed: true,
    [
      Key("aliases", .strings, "Further names of the service on this network", merge: .unique(.name)),
      Key("ipv4_address", .text, "A fixed address of the network's subnet"),
      Key("ipv6_address", .text, .inert, "A fixed IPv6 address"),
      Key("link_local_ips", .strings, .inert, "Link-local addresses", merge: .unique(.name)),
      Key("mac_address", .text, "The hardware address"),
      Key("interface_name", .text, "The name of the interface in the container"),
      Key("driver_opts", .options, .inert, "Options of the driver"),
      Key("priority", .truncated, .inert, "Which network is first"),
      Key("gw_priority", .truncated, "The network with the highest has the default route"),
    ])

  static let network = KeyTable(
    "network", isNamed: true,
    [
      Key("name", .text, "The network's name on the machine; without it, <project>_<key>"),
      Key("driver", .text, "bridge, which is the default, is the only driver"),
      Key("driver_opts", .options, "com.docker.network.driver.mtu sets the MTU; others are accepted, not acted on yet"),
      Key("internal", .boolean, "No way out of the network, and none in"),
      Key("external", .external, "The network exists already: it is neither made nor removed"),
      Key("labels", .labels, "Labels of the network"),
      Key("ipam", .record(.ipam), "Addresses of the network; without it, the plan chooses"),
      Key("attachable", .boolean, .noEffect("every network is"), "Whether other containers may join"),
      Key("enable_ipv4", .boolean, .inert, "Whether the network has IPv4 addresses", usual: "true", keepsZero: true),
      Key("enable_ipv6", .boolean, .inert, "Whether the network has IPv6 addresses", usual: "false", keepsZero: true),
    ])

  static let ipam = KeyTable(
    "ipam",
    [
      Key(
        "config", .list(.record(.ipamConfig)), "One IPv4 network; IPv6 networks are accepted, not acted on yet",
        merge: .joined(by: "subnet")),
      Key("driver", .text, .inert, "Who hands out addresses"),
      Key("options", .options, .inert, "Options of that driver"),
    ])

  static let ipamConfig = KeyTable(
    "ipam.config",
    [
      Key("subnet", .text, "The network in CIDR form, for example 10.5.0.0/24"),
      Key("gateway", .text, "The machine's address in it; without it, the first of the network"),
      Key("ip_range", .text, "The part of the network from which addresses are chosen"),
      Key("aux_addresses", .dictionary(.text, .any), "Addresses that are others': none of them is chosen"),
    ])
}

extension Shape {
  static let ports = Shape.form(.ports, .list(.either([.textOrNumber, .record(.port)])))
  static let dependencies = Shape.form(
    .dependencies, .either([.list(.text), .dictionary(.record(.dependency), .resource)]))
  static let attachments = Shape.form(
    .names, .either([.list(.text), .dictionary(.nullable(.record(.attachment)), .resource)]))
  static let extraHosts = Shape.form(
    .extraHosts, .either([.list(.text), .dictionary(.either([.text, .list(.text)]), .any)]))
}
