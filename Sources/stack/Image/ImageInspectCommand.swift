import ArgumentParser
import JSONDocument
import StackImages

struct ImageInspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show all that is known of images, as a JSON array.")

  @Argument(help: "Names or ids.") var images: [String]

  func run() throws {
    let session = ImageSession()
    try session.reporting {
      let details = try images.map { try session.store.inspect($0) }
      session.terminal.write(JSON.array(details.map(\.json)).text(indent: true) + "\n")
    }
  }
}

extension ImageDetails {
  /// With docker's keys, as far as they mean something here.
  fileprivate var json: JSON {
    .members([
      ("Id", .string(summary.id)), ("RepoTags", .strings(summary.references)), ("Digest", .optional(manifest)),
      ("Created", .optional(created)), ("Architecture", .string(configuration.architecture)),
      ("Os", .string(configuration.os)), ("Size", .integer(Int64(clamping: summary.size))),
      ("Config", configuration.json),
      ("RootFS", .members([("Type", .string("layers")), ("Layers", .strings(layers.map(\.diffID)))])),
      (
        "Layers",
        .array(
          layers.map { layer in
            .members([
              ("DiffID", .string(layer.diffID)), ("Size", .integer(Int64(clamping: layer.size))),
              ("Directory", .string(layer.directory)),
            ])
          })
      ),
    ])
  }
}

extension ImageConfiguration {
  fileprivate var json: JSON {
    .members([
      ("User", .string(user)), ("ExposedPorts", Self.keys(exposedPorts)), ("Env", .strings(env)),
      ("Entrypoint", entrypoint.map(JSON.strings) ?? .null), ("Cmd", cmd.map(JSON.strings) ?? .null),
      ("Volumes", Self.keys(volumes)), ("WorkingDir", .string(workingDirectory)),
      ("Labels", .members(labels.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
      ("StopSignal", .optional(stopSignal)), ("Healthcheck", healthcheck?.json ?? .null),
    ])
  }

  /// A set, in the form that image documents have for it.
  private static func keys(_ names: [String]) -> JSON { .members(names.map { ($0, .members([])) }) }
}

extension ImageHealthcheck {
  fileprivate var json: JSON {
    .members([
      ("Test", .strings(test)), ("Interval", .integer(Int64(clamping: interval))),
      ("Timeout", .integer(Int64(clamping: timeout))), ("StartPeriod", .integer(Int64(clamping: startPeriod))),
      ("StartInterval", .integer(Int64(clamping: startInterval))), ("Retries", .integer(Int64(retries))),
    ])
  }
}
