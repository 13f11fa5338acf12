import ArgumentParser
import LinuxSystem
import StackEngine
import StackFile
import StackImages
import StackModel
import StackPlan
import StackStore

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Check the stack file and print what it means.",
    discussion: """
      Prints the canonical form of all files together, in the order in which they are written. What a running stack cannot \
      do is a warning here and an error for "stack up". Exit code 3: the file is not valid.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case yaml, json }

  @OptionGroup var global: GlobalOptions
  @Option(help: "yaml, which it is without this, or json.") var format: Format?
  @Flag(name: [.short, .long], help: "Only check.") var quiet = false
  @Option(name: [.short, .long], help: ArgumentHelp("Write to a file.", valueName: "file")) var output: String?

  @Flag(help: "Print the names of the services.") var services = false
  @Flag(help: "Print the images.") var images = false
  @Flag(help: "Print the names of the networks.") var networks = false
  @Flag(help: "Print the names of the volumes.") var volumes = false
  @Flag(help: "Print the models.") var models = false
  @Flag(help: "Print the profiles that services name.") var profiles = false
  @Flag(help: "Print the variables that the files refer to.") var variables = false
  @Flag(help: "Print the variables that values are interpolated from.") var environment = false
  @Option(help: ArgumentHelp("Print the hash of services' configurations; * is all.", valueName: "service,…"))
  var hash: String?

  @Flag(help: "Leave references to variables as they are.") var noInterpolate = false
  @Flag(help: "Leave out names, defaults and what is implied.") var noNormalize = false
  @Flag(help: "Leave relative paths as they are.") var noPathResolution = false
  @Flag(help: "Leave env_file and variables without a value as they are.") var noEnvResolution = false
  @Flag(help: "Leave out checks of what the parts say of each other.") var noConsistency = false

  @Flag(help: "Name images by their digests, as far as the image store knows them.") var resolveImageDigests = false
  @Flag(help: "Print an override file of the images with their digests.") var lockImageDigests = false

  @Argument(help: "Only these services, with what they depend on.") var names: [String] = []

  func run() throws {
    let project = Project(global)
    let result = project.load(services: names) { request in
      request.purpose = .show
      request.collectsReferences = variables
      request.phases.interpolates = !noInterpolate
      request.phases.normalizes = !noNormalize
      request.phases.resolvesPaths = !noPathResolution
      request.phases.resolvesEnvironment = !noEnvResolution
      request.phases.checks = !noConsistency
    }
    sayWhatIsNotFiltered(project)
    if variables, result.document != nil || !result.references.isEmpty {
      return try write(VariableTable.text(result.references, format), project)
    }
    if environment {
      return try write(result.variables.map { "\($0.key)=\($0.value)\n" }.sorted().joined(), project)
    }
    guard let document = result.document else { throw ExitCode(3) }
    if quiet { return }
    let view = DocumentView(document: document, escapes: !noInterpolate)
    if let missing = names.first(where: { !view.has(service: $0) }) {
      project.terminal.error("stack: no such service: \(missing)\n")
      throw ExitCode(1)
    }
    let shown = names.isEmpty || noInterpolate ? view : view.limited(to: names)
    try project.reporting {
      try write(text(of: resolveImageDigests || lockImageDigests ? pinned(shown, project) : shown, result), project)
    }
  }

  /// What is shown is then not the model, which is made of services.
  private func sayWhatIsNotFiltered(_ project: Project) {
    if names.isEmpty { return }
    for (isSet, option) in [(noInterpolate, "--no-interpolate"), (variables, "--variables")] where isSet {
      project.terminal.error("stack: service filtering is not applied when \(option) is set\n")
    }
  }

  private func pinned(_ view: DocumentView, _ project: Project) throws -> DocumentView {
    let store = ImageStore(dataDirectory: project.paths.data)
    let pinned = try view.withImages { service, name in
      // What is left to a variable has no digest, and neither has what is no name: the stack cannot be started with it either.
      guard let reference = try? ImageReference(name), reference.digest == nil else { return name }
      let digest: String?
      do throws(ImageError) {
        digest = try store.inspect(name).manifest
      } catch {
        throw EngineError(.imageUnavailable, service, "\(error)")
      }
      guard let digest else {
        throw EngineError(
          .imageUnavailable, service,
          "image \(name) has no digest: it was made here, or loaded from an archive that has none (docker save); the manifest of "
            + "an OCI archive has one")
      }
      return "\(reference.canonical)@\(digest)"
    }
    return lockImageDigests ? pinned.onlyImages : pinned
  }

  private func text(of view: DocumentView, _ result: LoadResult) throws -> String {
    let lists: [(Bool, () -> [String])] = [
      (services, { view.names(of: "services") }), (networks, { view.used("networks") }),
      (volumes, { view.used("volumes") }), (models, { view.models }), (images, { view.images }),
      (profiles, { result.profiles.sorted() }),
    ]
    if let list = lists.first(where: \.0)?.1() { return list.map { $0 + "\n" }.joined() }
    if let hash {
      let wanted = hash == "*" ? view.names(of: "services") : hash.split(separator: ",").map(String.init)
      return wanted.map { "\($0) \(Self.hash(of: view.json(ofService: $0)))\n" }.joined()
    }
    return format == .json ? view.json : view.yaml
  }

  /// Of the canonical form: equal as long as the service means the same.
  private static func hash(of text: String) -> String { StableHash.hexadecimal(StableHash.of(text)) }

  private func write(_ text: String, _ project: Project) throws {
    guard let output else { return project.terminal.write(text) }
    try project.reporting { try Files.replace(output, with: text.utf8, mode: 0o644) }
  }
}
