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
}
