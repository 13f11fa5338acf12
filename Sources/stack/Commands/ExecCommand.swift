import ArgumentParser

struct ExecCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exec", abstract: "Run a command in a running container of a service.",
    discussion: "Ends with the command's own exit code; 126 and 127 when it cannot be executed.")

  @OptionGroup var global: NamedProjectOptions
  @Option(name: [.short, .long], help: "A variable for the command, NAME=value.") var env: [String] = []
  @Option(name: [.short, .long], help: "user[:group], instead of the service's.") var user: String?
  @Option(name: [.short, .long], help: "The working directory, instead of the service's.") var workdir: String?
  @Flag(name: [.customShort("T"), .long], help: "No terminal, even when there is one.") var noTty = false
  @Flag(name: [.short, .long], help: "Do not wait for the command.") var detach = false
  @Flag(help: "With all capabilities, and no seccomp filter.") var privileged = false
  @Option(help: "Which container of the service, from 1; without it, the first that runs.") var index: Int?
  @Flag(name: [.short, .long], help: "Accepted: standard input is passed on.") var interactive = false
  @Flag(help: "Without standard input, and so without a terminal; the same as -i=false.") var noInteractive = false
  @Flag(
    name: [.customShort("t"), .customLong("tty")], help: "Accepted: there is a terminal when this command has one.")
  var tty = false
  @Argument(help: "The service.") var service: String
  @Argument(parsing: .captureForPassthrough, help: "The command and its arguments.") var command: [String]

  func run() throws {
    let project = Project(global)
    try project.refuseDryRun()
    var request = ExecRequest(project, service: service, command: command)
    request.environment = env
    request.user = user
    request.workingDirectory = workdir
    request.hasNoTerminal = noTty
    request.hasNoInput = noInteractive
    request.isDetached = detach
    request.isPrivileged = privileged
    request.index = index
    try request.run()
  }
}
