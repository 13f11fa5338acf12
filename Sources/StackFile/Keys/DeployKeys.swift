extension KeyTable {
  private static let forClusters = Support.never("there is one machine")

  static let deploy = KeyTable(
    "deploy",
    [
      Key("resources", .record(.deployResources), "Limits and reservations"),
      Key("replicas", .count, "The number of containers", keepsZero: true),
      Key("restart_policy", .record(.deployRestart), "Says more than restart:, and wins over it"),
      Key("mode", .text, .noEffect("there is one machine"), "replicated or global"),
      Key("labels", .labels, .noEffect("labels of a cluster's service"), "Labels of the service"),
      Key("endpoint_mode", .text, forClusters, "How a cluster finds the service"),
      Key("placement", .record(.deployPlacement), forClusters, "Where a cluster runs it"),
      Key("update_config", .record(.deployUpdate), forClusters, "How a cluster replaces containers"),
      Key("rollback_config", .record(.deployUpdate), forClusters, "How a cluster goes back"),
    ])

  static let deployRestart = KeyTable(
    "restart_policy",
    [
      Key("condition", .text, "none, on-failure or any"),
      Key("delay", .duration, "Before each restart", keepsZero: true),
      Key("max_attempts", .count, "How often", keepsZero: true),
      Key("window", .duration, "When an attempt has succeeded", keepsZero: true),
    ])

  static let deployPlacement = KeyTable(
    "placement",
    [
      Key("constraints", .strings, "Conditions of a machine"),
      Key("preferences", .list(.record(.deployPreference)), "How to spread over machines"),
      Key("max_replicas_per_node", .count, "Containers on a machine"),
    ])

  static let deployPreference = KeyTable("preferences", [Key("spread", .text, "The label to spread over")])

  static let deployUpdate = KeyTable(
    "update_config",
    [
      Key("parallelism", .count, "Containers at a time", keepsZero: true),
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
      Key("reservations", .record(.deployReservations), "What the service is promised"),
    ])

  static let deployLimits = KeyTable(
    "limits",
    [
      Key("cpus", .number, "As cpus of the service"),
      Key("memory", .bytes(allowsUnlimited: true), "As mem_limit of the service"),
      Key("pids", .integer(-1 ... .max), "As pids_limit of the service"),
    ])

  static let deployReservations = KeyTable(
    "reservations",
    [
      Key("cpus", .number, forClusters, "Processors' worth of time"),
      Key("memory", .bytes(allowsUnlimited: true), "As mem_reservation of the service"),
      Key("generic_resources", .list(.record(.genericResource)), forClusters, "Resources of a cluster"),
      Key("devices", .list(.record(.neededDevice)), .inert, "Devices, most often graphics processors"),
    ])

  static let genericResource = KeyTable(
    "generic_resources", [Key("discrete_resource_spec", .record(.discreteResource), "A resource that is counted")])

  static let discreteResource = KeyTable(
    "discrete_resource_spec", [Key("kind", .text, "Its name"), Key("value", .whole, "How many")])

  private static let deviceKeys = [
    Key("driver", .text, "The driver"),
    Key("count", .form(.deviceCount, .textOrNumber), "How many, or all"),
    Key("device_ids", .strings, "Which ones", merge: .distinct),
    Key("options", .labels, "Options of the driver"),
  ]

  static let deviceRequest = KeyTable(
    "device request", [Key("capabilities", .strings, "What they must be able to do", merge: .distinct)] + deviceKeys)

  static let neededDevice = KeyTable(
    "device request",
    [Key("capabilities", .strings, "What they must be able to do", required: true, merge: .distinct)] + deviceKeys)

  static let blockDevices = KeyTable(
    "blkio_config",
    [
      Key("weight", .whole, "The share of the disk's time, 10 to 1000"),
      Key("weight_device", .list(.record(.blockWeight)), "The same for a device"),
      Key("device_read_bps", .list(.record(.blockRate)), "Bytes a second"),
      Key("device_read_iops", .list(.record(.blockRate)), "Operations a second"),
      Key("device_write_bps", .list(.record(.blockRate)), "Bytes a second"),
      Key("device_write_iops", .list(.record(.blockRate)), "Operations a second"),
    ])

  static let blockWeight = KeyTable(
    "weight_device",
    [Key("path", .text, "The device", keepsZero: true), Key("weight", .whole, "Its weight", keepsZero: true)])

  static let blockRate = KeyTable(
    "device limit",
    [
      Key("path", .text, "The device", keepsZero: true),
      Key("rate", .bytes(allowsUnlimited: false), "The limit", keepsZero: true),
    ])
}
