extension KeyTable {
  static let port = KeyTable(
    "port",
    [
      Key("target", .integer(1...65535), "The port in the container", required: true),
      Key("published", .textOrNumber, "The port of the machine, or a range to choose from"),
      Key("host_ip", .text, "The machine's address to publish on"),
      Key("protocol", .text, "tcp or udp"),
      Key("mode", .text, .noEffect("there is one machine"), "host or ingress"),
      Key("name", .text, .noEffect("a name for readers"), "A name"),
      Key("app_protocol", .text, .noEffect("a hint for readers"), "What is spoken on the port"),
    ])

  static let mount = KeyTable(
    "volume",
    [
      Key(
        "type", .choice(["bind", "volume", "tmpfs", "image", "npipe", "cluster"]), "bind, volume or tmpfs",
        required: true),
      Key("source", .text, "The path, or the key of the volume"),
      Key("target", .text, "The path in the container"),
      Key("read_only", .boolean, "Not writable"),
      Key("consistency", .text, .noEffect("files are shared directly"), "A hint for virtual machines"),
      Key("bind", .record(.mountBind), "For bind"),
      Key("volume", .record(.mountVolume), "For volume"),
      Key("tmpfs", .record(.mountTmpfs), "For tmpfs"),
      Key("image", .record(.mountImage), "For image"),
    ])

  static let mountBind = KeyTable(
    "bind",
    [
      Key("create_host_path", .boolean, "Makes a missing directory; the short form does"),
      Key("propagation", .text, .inert, "How later mounts are seen on the other side"),
      Key("selinux", .choice(["z", "Z"]), .inert, "How SELinux labels the files"),
      Key(
        "recursive", .choice(["enabled", "disabled", "writable", "readonly"]), .inert, "How mounts below it are treated"
      ),
    ])

  static let mountVolume = KeyTable(
    "volume options",
    [
      Key("nocopy", .boolean, .inert, "Does not copy the image's files into the empty volume"),
      Key("subpath", .text, .refused("mount the whole volume"), "A path in the volume"),
      Key("labels", .labels, .inert, "Labels of the volume"),
    ])

  static let mountTmpfs = KeyTable(
    "tmpfs options",
    [
      Key("size", .bytes(allowsUnlimited: false), "The most that it holds"),
      Key("mode", .fileMode, "Permission bits"),
    ])

  static let mountImage = KeyTable("image options", [Key("subpath", .text, "A path in the image")])

  static let device = KeyTable(
    "device",
    [
      Key("source", .text, "The path on the machine", required: true),
      Key("target", .text, "The path in the container"),
      Key("permissions", .text, "Some of rwm"),
    ])

  static let dependency = KeyTable(
    "dependency", isNamed: true,
    [
      Key(
        "condition", .choice(["service_started", "service_healthy", "service_completed_successfully"]),
        "What to wait for", required: true),
      Key("required", .boolean, "false only warns when the other service is not there"),
      Key("restart", .boolean, "Starts again when a command starts the other service again"),
    ])

  static let attachment = KeyTable(
    "network", isNamed: true,
    [
      Key("aliases", .strings, "Further names of the service on this network"),
      Key("ipv4_address", .text, "A fixed address of the network's subnet"),
      Key("ipv6_address", .text, .inert, "A fixed IPv6 address"),
      Key("link_local_ips", .strings, .inert, "Link-local addresses"),
      Key("mac_address", .text, .inert, "The hardware address"),
      Key("interface_name", .text, .inert, "The name of the interface in the container"),
      Key("driver_opts", .options, .inert, "Options of the driver"),
      Key("priority", .number, .inert, "Which network is first"),
      Key("gw_priority", .number, .inert, "Which network has the default route"),
    ])

  static let environmentFile = KeyTable(
    "env_file",
    [
      Key("path", .text, "The file", required: true),
      Key("required", .boolean, "false allows that it is missing"),
      Key("format", .choice(["raw"]), "raw takes values as they are written, with quotes and references"),
    ])

  static let ulimit = KeyTable(
    "ulimit", isNamed: true,
    [
      Key("soft", .integer(-1 ... .max), "The limit that holds", required: true),
      Key("hard", .integer(-1 ... .max), "The limit up to which the process may raise it", required: true),
    ])

  static let healthcheck = KeyTable(
    "healthcheck",
    [
      Key("test", .form(.probe, .either([.text, .list(.text)])), "The command"),
      Key("interval", .duration, "Between checks"),
      Key("timeout", .duration, "Of a check"),
      Key("retries", .count, "Failures before the service is unhealthy"),
      Key("start_period", .duration, "Time in which failures do not count"),
      Key("start_interval", .duration, "Between checks in that time"),
      Key("disable", .boolean, "No checks, not even the image's"),
    ])

  static let logging = KeyTable(
    "logging",
    [
      Key("driver", .text, "json-file, local, none, …"),
      Key("options", .dictionary(.value, .any), "Options of the driver"),
    ])

  static let deploy = KeyTable(
    "deploy",
    [
      Key("resources", .record(.deployResources), "Limits"),
      Key("replicas", .count, "The number of containers"),
      Key("mode", .text, .inert, "replicated or global"),
      Key("endpoint_mode", .text, .inert, "For clusters"),
      Key("labels", .labels, .inert, "Labels of the service"),
      Key("placement", .dictionary(.any, .any), .inert, "For clusters"),
      Key("restart_policy", .record(.deployRestart), "Says more than restart:, and wins over it"),
      Key("update_config", .record(.deployUpdate), .inert, "For clusters"),
      Key("rollback_config", .record(.deployUpdate), .inert, "For clusters"),
    ])

  static let deployRestart = KeyTable(
    "restart_policy",
    [
      Key("condition", .text, "none, on-failure or any"),
      Key("delay", .duration, "Between attempts"),
      Key("max_attempts", .count, "How often"),
      Key("window", .duration, "When an attempt has succeeded"),
    ])

  static let deployUpdate = KeyTable(
    "update_config",
    [
      Key("parallelism", .count, "Containers at a time"),
      Key("delay", .duration, "Between them"),
      Key("failure_action", .text, "continue, pause or rollback"),
      Key("monitor", .duration, "How long each is watched"),
      Key("max_failure_ratio", .number, "Of failures"),
      Key("order", .choice(["start-first", "stop-first"]), "Which comes first"),
    ])

  static let deployResources = KeyTable(
    "resources",
    [
      Key("limits", .record(.deployLimits), "What the service may use at most"),
      Key("reservations", .dictionary(.any, .any), .inert, "What the service is promised"),
    ])

  static let deployLimits = KeyTable(
    "limits",
    [
      Key("cpus", .number, "As cpus of the service"),
      Key("memory", .bytes(allowsUnlimited: false), "As mem_limit of the service"),
      Key("pids", .integer(-1 ... .max), "As pids_limit of the service"),
    ])
}

extension Shape {
  static let ports = Shape.form(.ports, .list(.either([.textOrNumber, .record(.port)])))
  static let volumes = Shape.form(.volumes, .list(.either([.text, .record(.mount)])))
  static let devices = Shape.form(.devices, .list(.either([.text, .record(.device)])))
  static let dependencies = Shape.form(
    .dependencies, .either([.list(.text), .dictionary(.record(.dependency), .resource)]))
  static let attachments = Shape.form(
    .attachments, .either([.list(.text), .dictionary(.nullable(.record(.attachment)), .resource)]))
  static let environmentFiles = Shape.form(
    .environmentFiles, .either([.text, .list(.either([.text, .record(.environmentFile)]))]))
  static let extraHosts = Shape.form(
    .extraHosts, .either([.list(.text), .dictionary(.either([.text, .list(.text)]), .any)]))
}
