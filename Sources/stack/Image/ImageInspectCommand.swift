import ArgumentParser
import StackImages

struct ImageInspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show all that is known of images, as a JSON array.")

  @Argument(help: "Names or ids.") var images: [String]

  func run() throws {
    let session = ImageSession()
    try session.reporting {
      let details = try images.map { try session.store.inspect($0) }
      session.terminal.write(JSONText.array(details.map(\.json)).indented() + "\n")
    }
  }
}

extension ImageDetails {
  /// With docker's keys, as far as they mean something here.
  fileprivate var json: JSONText {
    .object([
      ("Id", .string(summary.id)), ("RepoTags", .strings(summary.references)), ("Digest", .optional(manifest)),
      ("Created", .optional(created)), ("Architecture", .string(configuration.architecture)),
      ("Os", .string(configuration.os)), ("Size", .number(Int64(clamping: summary.size))),
      ("Config", configuration.json),
      ("RootFS", .object([("Type", .string("layers")), ("Layers", .strings(layers.map(\.diffID)))])),
      (
        "Layers",
        .array(
          layers.map { layer in
            .object([
              ("DiffID", .string(layer.diffID)), ("Size", .number(Int64(clamping: layer.size))),
              ("Directory", .string(layer.directory)),
            ])
          })
      ),
    ])
  }
}

extension ImageConfiguration {
  fileprivate var json: JSONText {
    .object([
      ("User", .string(user)), ("ExposedPorts", Self.keys(exposedPorts)), ("Env", .strings(env)),
      ("Entrypoint", entrypoint.map(JSONText.strings) ?? .null), ("Cmd", cmd.map(JSONText.strings) ?? .null),
      ("Volumes", Self.keys(volumes)), ("WorkingDir", .string(workingDirectory)),
      ("Labels", .object(labels.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
      ("StopSignal", .optional(stopSignal)), ("Healthcheck", healthcheck?.json ?? .null),
    ])
  }

  /// A set, in the form that image documents have for it.
  private static func keys(_ names: [String]) -> JSONText { .object(names.map { ($0, .object([])) }) }
}

extension ImageHealthcheck {
  fileprivate var json: JSONText {
    .object([
      ("Test", .strings(test)), ("Interval", .number(Int64(clamping: interval))),
      ("Timeout", .number(Int64(clamping: timeout))), ("StartPeriod", .number(Int64(clamping: startPeriod))),
      ("StartInterval", .number(Int64(clamping: startInterval))), ("Retries", .number(Int64(retries))),
    ])
  }
}
