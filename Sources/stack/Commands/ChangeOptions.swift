import ArgumentParser
import StackEngine
import StackFile
import StackModel
import StackPlan

/// What `up` and `create` do to containers that there are already, and how many they make.
struct ChangeOptions: ParsableArguments {
  @Flag(help: "Make containers anew of all services, or of those that are named.") var forceRecreate = false
  @Flag(help: "Leave containers as they are that are not what the file says.") var noRecreate = false
  @Flag(help: "Make containers anew that the named services depend on.") var alwaysRecreateDeps = false
  @Option(help: ArgumentHelp("The number of containers of a service.", valueName: "SERVICE=NUMBER")) var scale:
    [String] = []
  @OptionGroup var images: ImageOptions

  var recreation: StackDifference.Recreation {
    get throws {
      if noRecreate && (forceRecreate || alwaysRecreateDeps) {
        throw ValidationError("--no-recreate and --force-recreate exclude each other")
      }
      if noRecreate { return .never }
      return forceRecreate ? .always : .whenChanged
    }
  }

  /// Of what the named services depend on.
  var dependencyRecreation: StackDifference.Recreation {
    if noRecreate { return .never }
    return alwaysRecreateDeps ? .always : .whenChanged
  }

  var counts: [String: Int] {
    get throws { try Self.counts(scale) }
  }

  static func counts(_ texts: [String]) throws -> [String: Int] {
    var counts: [String: Int] = [:]
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let count = Int(parts[1]), (0...10_000).contains(count) else {
        throw ValidationError("\(text) is not SERVICE=NUMBER")
      }
      counts[String(parts[0])] = count
    }
    return counts
  }
}

/// What docker compose does about images before it makes containers. Here none is built or pulled yet: what says so is accepted,
/// and what asks for it is told.
struct ImageOptions: ParsableArguments {
  enum Pull: String, ExpressibleByArgument, CaseIterable { case always, missing, never, build }

  @Flag(help: "Refused where a service is to be built: images are not built here.") var build = false
  @Flag(help: "Accepted: nothing is built.") var noBuild = false
  @Option(help: "always, missing or never. Accepted: images come from the store, nothing is pulled.") var pull: Pull?
  @Flag(help: "Accepted: nothing is pulled.") var quietPull = false
  @Flag(help: "Accepted: nothing is built.") var quietBuild = false

  func check(_ result: LoadResult, _ project: Project) throws {
    if build && noBuild { throw ValidationError("--build and --no-build exclude each other") }
    let built = result.document.map { DocumentView(document: $0, escapes: false).built } ?? []
    if build, !built.isEmpty {
      throw EngineError(
        .imageUnavailable,
        built.map {
          .init($0, "images cannot be built yet: build its image with another tool and load it (stack image load)")
        })
    }
    if pull == .always {
      project.terminal.error(" Warning: --pull always: images cannot be pulled yet, those in the store are used\n")
    }
  }
}

extension Project {
  /// Says what an `up` would do.
  func preview(_ stack: Stack, _ options: UpOptions) throws {
    try reporting {
      show(try engine.preview(stack, options))
    }
  }

  /// Carries out a change, or with --dry-run says what it would do.
  func carryOut(
    _ change: ContainerChange, of name: String, services: [String], _ operation: () throws -> Void
  ) throws {
    guard options.dryRun else { return try operation() }
    show(try engine.preview(change, of: name, services: services))
  }

  private func show(_ preview: [ProgressEvent]) {
    for event in preview { terminal.error(" DRY-RUN MODE - \(event.subject) \(event.status)\n") }
  }

  /// For commands that do what cannot be said beforehand.
  func refuseDryRun() throws {
    if options.dryRun { throw ValidationError("--dry-run: what this command would do cannot be told beforehand") }
  }
}
