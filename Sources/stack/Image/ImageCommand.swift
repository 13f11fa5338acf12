import ArgumentParser
import StackImages
import StackStore

/// `stack image …`: what containers are made from.
struct ImageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "image",
    abstract: "Images: load, import, list, save, remove.",
    discussion: """
      An image is known by name (alpine is docker.io/library/alpine:latest), by id, or by the first digits of its id.
      Exit codes: 0 success, 1 failure, 2 usage, 4 no such image or file.
      """,
    subcommands: [
      ImageListCommand.self, ImageLoadCommand.self, ImageImportCommand.self, ImageSaveCommand.self,
      ImageTagCommand.self, ImageRemoveCommand.self, ImageInspectCommand.self, ImageUnpackCommand.self,
    ])
}

/// What the commands for images have in common.
struct ImageSession {
  let terminal: TerminalOutput
  let paths: StatePaths

  init() {
    let environment = ProcessEnvironment.variables
    terminal = TerminalOutput(colour: .auto, environment: environment)
    paths = StatePaths(environment: environment)
  }

  var store: ImageStore { ImageStore(dataDirectory: paths.data) }

  /// Runs an operation; what is wrong goes to standard error, and its kind is the exit code.
  func reporting(_ operation: () throws -> Void) throws {
    do {
      try operation()
    } catch let error as ExitCode {
      throw error
    } catch {
      throw fail(error)
    }
  }

  /// Says what is wrong.
  /// - Returns: the exit code for it.
  func fail(_ error: any Error) -> ExitCode {
    terminal.error("stack: \(error)\n")
    guard let error = error as? ImageError else { return ExitCode(1) }
    return switch error.kind {
    case .notFound: ExitCode(4)
    case .invalidReference: ExitCode(2)
    case .ambiguous, .invalidArchive, .inUse, .system: ExitCode(1)
    }
  }

  /// What the containers of all stacks are made from.
  func use() throws -> ImageUse {
    var use = ImageUse()
    for project in try paths.projects() {
      for status in try paths.project(project).statuses() {
        guard let record = status.record, !record.imageID.isEmpty else { continue }
        // A root file system that is no image has the path of its layer for an id.
        if record.imageID.hasPrefix("/") {
          use.layers.insert(record.imageID)
        } else {
          use.images[record.imageID, default: []].append(status.directory.name)
        }
      }
    }
    return use
  }
}
