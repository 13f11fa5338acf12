/// The reference of the stack file for people, made from the table of keys.
package enum StackFileReference {
  package static func markdown() -> String {
    var text = """
      # The stack file

      A stack file is YAML 1.2. Its format is the Compose Specification, with `rootfs:`, `seccomp:` and `ready:` of our own.
      Without `-f`, `stack` takes the first of \(names) in the working directory, or in the nearest
      directory above, and merges the override file beside it: `stack.override.yaml`, or `compose.override.yaml` and its other
      names.

      This page is made from the table of keys that the checks and `schemas/stack.schema.json` are made from too. Keys that
      begin with `x-` are allowed everywhere and mean nothing; YAML anchors, aliases and `<<` may refer to them.

      *Supported* says what `stack` does with a key: **yes**; **not yet**: it is accepted, and said once, with its place, that
      nothing comes of it; **no**: the same, and why that will not change; **no effect**: nothing has to be done for it.

      ## Values

      | value | how it is written |
      |---|---|
      | text | anything in quotes; without quotes, what is not a number, `true`, `false` or `null`. `yes`, `no`, `on`, `off` and `22:22` are text |
      | true or false | `true`, `false`; in quotes also `yes`, `no`, `on`, `off`, `y`, `n` |
      | size | a number of bytes, or a number with `b`, `k`, `m`, `g` (or `kb`, `mb`, `gb`): powers of 1024 |
      | duration | numbers with `h`, `m`, `s`, `ms`, `us`: `1h5m30s20ms` |
      | pairs | a mapping, or a list of `NAME=VALUE` |
      | command | a list, or text that is split like in a shell, without being given to one |

      ## Several files

      Later files (`-f a -f b`, override files, documents of one file) are laid over earlier ones; all relative paths start at
      the directory of the first file, or at `--project-directory`.

      | | |
      |---|---|
      | mappings | are joined |
      | lists | are appended; an item that is the same thing as an earlier one takes its place: variables and labels by name, volumes and devices by target, ports by all that they say, secrets and configs by target |
      | `command`, `entrypoint`, `healthcheck.test`, a limit of `ulimits` | are replaced as a whole, and so is `logging` of another driver |
      | everything else | is replaced |
      | `!reset` before a value | takes away what earlier files say |
      | `!override` before a value | replaces it without joining or appending |
      | text, a number, true or false over a list or mapping | as in docker compose, but with a warning: over `environment`, `labels` and other pairs, and over `dns`, `tmpfs` and other lists that may be one text, text is one more item, and the rest says nothing; over `build`, `depends_on`, `networks` and `models` it says nothing; elsewhere it is a mistake |

      A value of the wrong kind is a mistake in every file; whatever else is wrong with a value only counts when no later file
      replaces it. What the format allows and no container can have (a `mode` above 0o7777, a secret whose `file:` is empty, a
      limit below 0) is shown by `stack config`, with a warning, and refused by the commands that run something.

      `extends: {service: S, file: F}` lays a service over another one, whose relative paths start at its own file. `include`
      brings in whole projects, each with the relative paths and the `.env` of its own directory; a name that is there already is
      an error, unless it says the same. A service with `profiles` is only part of the stack when one of them is active
      (`--profile`, `COMPOSE_PROFILES`) or when it is asked for by name.

      ## Variables

      Values, but not keys, are interpolated from the environment of `stack` and from `.env` beside the file (or from
      `--env-file`); the environment wins. `STACK_FILE`, `STACK_PROJECT_NAME`, `STACK_PROFILES`, `STACK_ENV_FILES`,
      `STACK_DISABLE_ENV_FILE` and `STACK_PATH_SEPARATOR` mean what docker compose's `COMPOSE_` variables mean, which are read too.

      | reference | value |
      |---|---|
      | `$V`, `${V}` | the variable's; empty, with a warning, when it is not set |
      | `${V:-default}`, `${V-default}` | the default when V is empty or not set; when it is not set |
      | `${V:?message}`, `${V?message}` | an error with the message when V is empty or not set; when it is not set |
      | `${V:+other}`, `${V+other}` | the other when V is set and not empty; when it is set |
      | `$$` | a dollar sign |


      """
    var walk = TableWalk()
    walk.visit(.top, path: "")
    for section in walk.sections { text += self.section(section.path, section.table) }
    return text
  }

  private static var names: String {
    FileDiscovery.names.map { "`\($0)`" }.joined(separator: ", ")
  }

  /// All tables, each under the first path that leads to it, in the order of the keys.
  private struct TableWalk {
    var sections: [(path: String, table: KeyTable)] = []
    private var seen: Set<ObjectIdentifier> = []

    mutating func visit(_ table: KeyTable, path: String) {
      guard seen.insert(ObjectIdentifier(table)).inserted else { return }
      sections.append((path, table))
      for key in table.keys { visit(key.shape, path: path.isEmpty ? key.name : "\(path).\(key.name)") }
    }

    private mutating func visit(_ shape: Shape, path: String) {
      switch shape {
      case .record(let table): visit(table, path: path)
      case .dictionary(let value, _): visit(value, path: path + ".NAME")
      case .list(let element): visit(element, path: path + "[]")
      case .nullable(let inner), .form(_, let inner): visit(inner, path: path)
      case .either(let shapes): for shape in shapes { visit(shape, path: path) }
      default: return
      }
    }
  }

  private static func section(_ path: String, _ table: KeyTable) -> String {
    let title = path.isEmpty ? "The top level" : "`\(path)`"
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
    case .integer(let range, _): Self.form(range)
    case .number: "number"
    case .bytes(let allowsUnlimited, _): allowsUnlimited ? "size, or -1" : "size"
    case .duration: "duration"
    case .fileMode: "permission bits"
    case .choice(let names): names.filter { !$0.isEmpty }.joined(separator: ", ")
    case .list(let element): "list of \(element.form)"
    case .record: "mapping"
    case .dictionary(.any, _): "mapping"
    case .dictionary(let value, _): "mapping of names to \(value.form)"
    case .nullable(let shape): shape.form + ", or null"
    case .either(let shapes): shapes.map(\.form).joined(separator: ", or ")
    case .form(.pairs, _), .form(.labels, _): "pairs"
    case .form(.command, _): "command, or null"
    case .form(.oneOrMany, _), .form(.oneOrManyOrNone, _): "text, or list of text"
    case .form(_, let shape): shape.form
    }
  }

  private static func form(_ range: ClosedRange<Int64>) -> String {
    if range.lowerBound == .min || (range.lowerBound == 0 && range.upperBound == .max) { return "whole number" }
    return range.upperBound == .max
      ? "whole number from \(range.lowerBound)" : "whole number, \(range.lowerBound) to \(range.upperBound)"
  }
}
