/// The reference of the stack file for people, made from the table of keys.
package enum StackFileReference {
  package static func markdown() -> String {
    var text = """
      # The stack file

      A stack file is YAML 1.2. Its format is the Compose Specification, with `rootfs:` and `seccomp:` of our own. Without
      `-f`, `stack` takes the first of \(names) in the working directory, or in the nearest directory above.

      This page is made from the table of keys that the checks and `schemas/stack.schema.json` are made from too. Keys that
      begin with `x-` are allowed everywhere and mean nothing; YAML anchors, aliases and `<<` may refer to them.

      *Supported* says what `stack` does with a key: **yes**; **not yet**: it is accepted, and said once, with its place, that
      nothing comes of it; **no**: the same, and why that will not change; **no effect**: nothing has to be done for it.

      ## Values

      | value | how it is written |
      |---|---|
      | text | anything in quotes; without quotes, what is not a number, `true`, `false` or `null`. `yes`, `no`, `on`, `off` and `22:22` are text |
      | true or false | `true`, `false`; in quotes also `yes`, `no`, `on`, `off`, `1`, `0` |
      | size | a number of bytes, or a number with `b`, `k`, `m`, `g` (or `kb`, `mb`, `gb`): powers of 1024 |
      | duration | numbers with `h`, `m`, `s`, `ms`, `us`: `1h5m30s20ms` |
      | pairs | a mapping, or a list of `NAME=VALUE` |
      | command | a list, or text that is split like in a shell, without being given to one |

      ## Variables

      Values, but not keys, are interpolated from the environment of `stack` and from `.env` beside the file (or from
      `--env-file`); the environment wins.

      | reference | value |
      |---|---|
      | `$V`, `${V}` | the variable's; empty, with a warning, when it is not set |
      | `${V:-default}`, `${V-default}` | the default when V is empty or not set; when it is not set |
      | `${V:?message}`, `${V?message}` | an error with the message when V is empty or not set; when it is not set |
      | `${V:+other}`, `${V+other}` | the other when V is set and not empty; when it is set |
      | `$$` | a dollar sign |


      """
    for section in sections { text += self.section(section.title, section.table) }
    return text
  }

  private static var names: String {
    FileDiscovery.names.map { "`\($0)`" }.joined(separator: ", ")
  }

  private static let sections: [(title: String, table: KeyTable)] = [
    ("The top level", .top), ("Services: `services.NAME`", .service), ("`services.NAME.ports[]`, the long form", .port),
    ("`services.NAME.volumes[]`, the long form", .mount), ("`services.NAME.volumes[].bind`", .mountBind),
    ("`services.NAME.volumes[].volume`", .mountVolume), ("`services.NAME.volumes[].tmpfs`", .mountTmpfs),
    ("`services.NAME.networks.NETWORK`", .attachment), ("`services.NAME.depends_on.SERVICE`", .dependency),
    ("`services.NAME.env_file[]`", .environmentFile), ("`services.NAME.devices[]`", .device),
    ("`services.NAME.ulimits.LIMIT`", .ulimit), ("`services.NAME.deploy`", .deploy),
    ("`services.NAME.deploy.resources.limits`", .deployLimits), ("`services.NAME.healthcheck`", .healthcheck),
    ("Networks: `networks.NAME`", .network), ("`networks.NAME.ipam.config[]`", .ipamConfig),
    ("Volumes: `volumes.NAME`", .volume),
  ]

  private static func section(_ title: String, _ table: KeyTable) -> String {
    var text = "## \(title)\n\n| key | form | meaning | supported |\n|---|---|---|---|\n"
    for key in table.keys {
      let meaning = key.meaning + (key.isRequired ? " (required)" : "")
      text += "| `\(key.name)` | \(cell(key.shape.form)) | \(cell(meaning)) | \(cell(support(key.support))) |\n"
    }
    return text + "\n"
  }

  private static func cell(_ text: String) -> String {
    text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
  }

  private static func support(_ support: Support) -> String {
    switch support {
    case .full: "yes"
    case .inert: "not yet"
    case .noEffect(let why): "no effect: \(why)"
    case .never(let reason): "no: \(reason)"
    case .obsolete: "obsolete"
    }
  }
}

extension Shape {
  /// In a few words, for the reference.
  fileprivate var form: String {
    switch self {
    case .any: "any"
    case .text, .name: "text"
    case .textOrNumber: "text or number"
    case .textOrBoolean: "text, true or false"
    case .value: "text, number, true, false or null"
    case .boolean: "true or false"
    case .integer(let range): Self.form(range)
    case .number: "number"
    case .bytes(let allowsUnlimited): allowsUnlimited ? "size, or -1" : "size"
    case .duration: "duration"
    case .fileMode: "permission bits"
    case .choice(let names): names.joined(separator: ", ")
    case .list(let element): "list of \(element.form)"
    case .record: "mapping"
    case .dictionary(.any, _): "mapping"
    case .dictionary(let value, _): "mapping of names to \(value.form)"
    case .nullable(let shape): shape.form + ", or null"
    case .either(let shapes): shapes.map(\.form).joined(separator: ", or ")
    case .form(.pairs, _), .form(.labels, _): "pairs"
    case .form(.command, _): "command, or null"
    case .form(.oneOrMany, _): "text, or list of text"
    case .form(_, let shape): shape.form
    }
  }

  private static func form(_ range: ClosedRange<Int64>) -> String {
    if range.lowerBound == .min || (range.lowerBound == 0 && range.upperBound == .max) { return "whole number" }
    return range.upperBound == .max
      ? "whole number from \(range.lowerBound)" : "whole number, \(range.lowerBound) to \(range.upperBound)"
  }
}
