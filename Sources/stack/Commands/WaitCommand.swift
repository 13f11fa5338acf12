import ArgumentParser
import StackEngine
import StackStore

struct WaitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait", abstract: "Wait until services have ended, and end as they did.",
    discussion: """
      Waits for all of them, also those that have ended already; the exit code is that of the first that failed, 0 when none did. \
      What is started again by its restart policy has not ended.
      """)

  @OptionGroup var global: GlobalOptions
  @Flag(help: "Wait only until the first of them has ended.") var any = false
  @Flag(help: "Take the stack down then.") var downProject = false
  @Argument(help: "The services to wait for.") var services: [String]

  func run() throws {
    let project = Project(global)
    let name = try project.name()
    try project.reporting {
      let engine = project.engine
      var code: Int32 = 0
      try engine.wait(name, services: services, any: any) { status, exitCode in
        project.terminal.write("\(status.displayName) exited with code \(exitCode)\n")
        if code == 0 { code = exitCode }
      }
      if downProject { try engine.down(name) }
      if code != 0 { throw ExitCode(code) }
    }
  }
}
