extension KeyTable {
  /// `ready`: ours. One of tcp, http, log, file and exec, with the times of healthcheck.
  static let ready = KeyTable(
    "ready",
    [
      Key("tcp", .integer(1...65535), "The port that accepts connections"),
      Key(
        "http", .either([.text, .record(.readyHTTP)]),
        "The request that is answered: [:]PORT[/PATH], or a mapping with port, path, status and header"),
      Key("log", .text, "An extended regular expression that a line of the output matches"),
      Key("file", .text, "The absolute path of a file that exists"),
      Key("exec", .commandLine, "A command that succeeds"),
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

  static let hook = KeyTable(
    "hook",
    [
      Key("command", .commandLine, "The command", required: true),
      Key("user", .text, "user or uid, with :group or :gid; without it, the service's"),
      Key("privileged", .boolean, "With all capabilities, and no filter"),
      Key("working_dir", .text, "The directory in which it starts; without it, the service's"),
      Key("environment", .pairs, "Further variables"),
    ])
}
