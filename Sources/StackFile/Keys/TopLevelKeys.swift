extension KeyTable {
  /// The keys at the top of a stack file.
  static let top = KeyTable(
    "stack file",
    [
      Key("name", .text, "The project name; -p and STACK_PROJECT_NAME win over it"),
      Key("version", .textOrNumber, .obsolete, "Had a meaning in old versions of the format"),
      Key(
        "services", .dictionary(.record(.service), .resource),
        "The services of the stack, in the order in which they are shown"),
      Key("networks", .dictionary(.nullable(.record(.network)), .resource), "The networks that services may join"),
      Key(
        "volumes", .dictionary(.nullable(.record(.volume)), .resource), "The volumes that services may mount by name"),
      Key(
        "secrets", .dictionary(.any, .resource), .refused("mount the file with volumes: and :ro"),
        "Files with secrets that services may use"),
      Key(
        "configs", .dictionary(.any, .resource), .refused("mount the file with volumes: and :ro"),
        "Files with settings that services may use"),
      Key(
        "include", .list(.any), .refused("copy the services into this file"),
        "Other stack files that are part of this one"),
      Key("models", .dictionary(.any, .resource), .refused("run the model as a service"), "Language models"),
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
      Key("enable_ipv4", .boolean, .inert, "Whether the network has IPv4 addresses"),
      Key("enable_ipv6", .boolean, .inert, "Whether the network has IPv6 addresses"),
    ])

  static let ipam = KeyTable(
    "ipam",
    [
      Key("config", .list(.record(.ipamConfig)), "One IPv4 network; IPv6 networks are accepted, not acted on yet"),
      Key("driver", .text, .inert, "Who hands out addresses"),
      Key("options", .options, .inert, "Options of that driver"),
    ])

  static let ipamConfig = KeyTable(
    "ipam.config",
    [
      Key("subnet", .text, "The network in CIDR form, for example 10.5.0.0/24"),
      Key("gateway", .text, "The machine's address in it; without it, the first of the network"),
      Key("ip_range", .text, .inert, "The part of the network from which addresses are given"),
      Key("aux_addresses", .dictionary(.text, .any), .inert, "Addresses that are taken by others"),
    ])

  static let volume = KeyTable(
    "volume", isNamed: true,
    [
      Key("name", .text, "The volume's name in the store; without it, <project>_<key>"),
      Key("external", .external, "The volume exists already: it is neither made nor removed"),
      Key("labels", .labels, "Labels of the volume"),
      Key("driver", .text, "local, which is the default, is the only driver"),
      Key(
        "driver_opts", .options, .refused("mount the directory with volumes: [./dir:/target]"),
        "What the local driver mounts: type, o, device"),
    ])

  static let externalName = KeyTable("external", [Key("name", .text, .obsolete, "Use name: beside external: true")])
}

extension Shape {
  static let external = Shape.form(.external, .either([.boolean, .record(.externalName)]))
}
