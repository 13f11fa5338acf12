extension KeyTable {
  static let dependency = KeyTable(
    "dependency", isNamed: true,
    [
      Key(
        "condition", .choice(["service_started", "service_healthy", "service_completed_successfully"]),
        "What to wait for", required: true),
      Key("required", .boolean, "false only warns when the other service is not there", keepsZero: true),
      Key("restart", .boolean, "Starts again when a command starts the other service again"),
    ])

  static let healthcheck = KeyTable(
    "healthcheck",
    [
      Key("test", .form(.probe, .either([.text, .list(.text)])), "The command", merge: .replace),
      Key("interval", .duration, "Between checks", keepsZero: true),
      Key("timeout", .duration, "Of a check", keepsZero: true),
      Key(
        "retries", .integer(0 ... .max, dropsFraction: true), "Failures before the service is unhealthy",
        keepsZero: true),
      Key("start_period", .duration, "Time in which failures do not count", keepsZero: true),
      Key("start_interval", .duration, "Between checks in that time", keepsZero: true),
      Key("disable", .boolean, "No checks, not even the image's"),
    ])

  /// Ours. One of tcp, http, log, file and exec, with the times of healthcheck.
  static let ready = KeyTable(
    "ready",
    [
      Key("tcp", .integer(1...65535), "The port that accepts connections"),
      Key(
        "http", .either([.textOrNumber, .record(.readyHTTP)]),
        "The request that is answered: [:]PORT[/PATH], or a mapping with port, path, status and header"),
      Key("log", .name, "An extended regular expression that a line of the output matches"),
      Key("file", .name, "The absolute path of a file that exists"),
      Key(
        "exec", .form(.command, .either([.text, .list(.text)])), "A command that succeeds", merge: .replace),
      Key("interval", .duration, "Between checks once the service is ready"),
      Key("timeout", .duration, "Of a check"),
      Key("retries", .count, "Failures before the service is unhealthy"),
      Key("start_period", .duration, "Time in which failures do not count"),
      Key("start_interval", .duration, "The longest time between checks until the service is ready"),
    ])

  static let readyHTTP = KeyTable(
    "http",
    [
      Key("port", .integer(1...65535), "The port", required: true),
      Key("path", .text, "The path; without it, /"),
      Key("status", .integer(100...599), "The status that is expected; without it, 200 to 399"),
      Key("header", .pairs, "Header fields of the request"),
    ])

  private static let commandKeys = [
    Key("command", .commandLine, "The command", required: true, merge: .replace, keepsZero: true),
    Key("user", .text, "user or uid, with :group or :gid; without it, the service's"),
    Key("privileged", .boolean, "With all capabilities, and no filter"),
    Key("working_dir", .text, "The directory in which it starts; without it, the service's"),
    Key("environment", .pairs, "Further variables"),
  ]

  static let hook = KeyTable("hook", commandKeys)

  static let initStep = KeyTable(
    "pre_start",
    [
      Key("command", .commandLine, "The command; without it, the image's", merge: .replace, keepsZero: true),
      Key("image", .text, "The image; without it, the service's"),
      Key("per_replica", .boolean, "Once for each container of the service"),
    ] + commandKeys.dropFirst())

  static let logging = KeyTable(
    "logging",
    [
      Key("driver", .text, "json-file, local, journald: a log of ours. none: nothing is kept. Others are not sent to"),
      Key(
        "options", .options,
        "max-size: the size of a file of the log; max-file: how many are kept, 1 if nothing is said"),
    ])

  static let provider = KeyTable(
    "provider",
    [
      Key("type", .text, "The program", required: true),
      Key(
        "options", .form(.manyValues, .dictionary(.either([.value, .list(.value)]), .any)), "Options of the program"),
    ])

  static let modelUse = KeyTable(
    "model", isNamed: true,
    [
      Key("endpoint_var", .text, "The variable that has the model's address"),
      Key("model_var", .text, "The variable that has the model's name"),
    ])

  static let credentialSpec = KeyTable(
    "credential_spec",
    [
      Key("config", .text, "The config that has it"), Key("file", .text, "The file that has it"),
      Key("registry", .text, "The registry key that has it"),
    ])
}
