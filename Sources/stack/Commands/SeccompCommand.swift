import ArgumentParser
import Glibc
import LinuxSeccomp
import LinuxSystem
import StackEngine
import StackModel
import StackStore
import SystemPackage

/// `stack seccomp …`: which system calls a service may make.
struct SeccompCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seccomp", abstract: "Seccomp profiles: record what a service needs.",
    subcommands: [SeccompRecordCommand.self])
}

struct SeccompRecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Run a service, and write the smallest profile that it works with.",
    discussion: """
      The service runs in a container of its own, under the restrictions that it has, until it ends, the time is over, or
      Ctrl-C; use it meanwhile, for what it is not seen to do is not in the profile. Its output goes to standard error.
      The profile is Docker's JSON form: `seccomp: FILE` in the stack file.
      """)

  @OptionGroup var global: GlobalOptions
  @Option(name: .short, help: "Where the profile is written, instead of standard output.") var output: String?
  @Option(name: .customLong("for"), help: "Stop the service after so many seconds.") var seconds: UInt32?
  @Flag(help: "Without the services that it depends on.") var noDeps = false
  @Argument(help: "The service.") var service: String
  @Argument(parsing: .postTerminator, help: "After --: a command, instead of the service's.") var command: [String] = []

  func run() throws {
    let project = Project(global)
    let stack = try project.stack()
    try project.reporting {
      var options = RunOptions(service: service)
      options.command = command.isEmpty ? nil : command
      options.withoutDependencies = noDeps
      options.recordsCalls = true
      let signals = try SignalDescriptor([SIGINT, SIGTERM, SIGHUP, SIGALRM])
      let container = try project.engine.run(
        stack, options, streams: [.standardInput, .standardError, .standardError])
      if let seconds { alarm(seconds) }
      try wait(for: container, signals) {
        try project.engine.stop(oneOff: container.directory, of: stack.name)
      }
      let calls = try RecordedCalls(wireBytes: try Files.readAll("\(container.directory.path)/calls"))
      try project.engine.remove(oneOff: container.directory, of: stack.name)
      if let output {
        try Files.replace(output, with: Array(calls.profile.utf8))
        project.terminal.error("stack: \(calls.names.count) system calls of \(service) are in \(output)\n")
      } else {
        project.terminal.write(calls.profile)
      }
    }
  }

  private func wait(for container: OneOffContainer, _ signals: SignalDescriptor, stop: () throws -> Void) throws {
    guard let shim = try container.directory.read(.run)?.shim.open() else { return }
    while !shim.hasEnded {
      _ = try Polling.readable([shim.descriptor, signals.descriptor])
      if signals.next() != nil { try stop() }
    }
  }
}
