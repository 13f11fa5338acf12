import ArgumentParser
import IsolationEngine
import LinuxSystem
import StackEngine
import StackStore

struct AttachCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attach", abstract: "Show what a running service writes, and type into it.",
    discussion: """
      What is typed reaches services with stdin_open: true or tty: true. Ends as the service does; the detach keys leave it \
      running.
      """)

  @OptionGroup var global: GlobalOptions
  @Option(help: "The keys to leave with, for example ctrl-p,ctrl-q; empty is none.") var detachKeys = "ctrl-p,ctrl-q"
  @Option(help: "Which container of the service, from 1; without it, the first that runs.") var index: Int?
  @Flag(help: "Only show what it writes.") var noStdin = false
  @Option(help: ArgumentHelp("Whether signals to this command are the service's: true or false.", valueName: "bool"))
  var sigProxy = true
  @Argument(help: "The service.") var service: String

  func run() throws {
    guard let keys = DetachKeys(detachKeys) else {
      throw ValidationError("--detach-keys takes characters and ctrl-LETTER, with commas between them")
    }
    let project = Project(global)
    try project.refuseDryRun()
    let name = try project.name()
    try project.reporting {
      let (status, run) = try project.engine.runningContainer(of: service, in: name, index: index)
      let specification = try status.directory.specification()
      let code = try AttachSession(
        container: status, run: run, hasTerminal: specification.process.hasTerminal,
        input: noStdin ? nil : try status.directory.openInput(), keys: keys, passesSignals: sigProxy
      ).follow()
      if code != 0 { throw ExitCode(code) }
    }
  }
}
