import ArgumentParser
import Glibc
import LinuxSystem
import StackEngine
import StackModel

struct KillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kill", abstract: "Send a signal to the first process of services.")

  @OptionGroup var global: GlobalOptions
  @Option(name: [.short, .long], help: "The signal, by name or number.") var signal = "SIGKILL"
  @Flag(help: "Remove containers of services that left the file.") var removeOrphans = false
  @Argument(help: "The services; all if none is named.") var services: [String] = []

  func run() throws {
    guard let number = SignalName.number(of: signal) else {
      throw ValidationError("there is no signal \(signal) (man 7 signal)")
    }
    let project = Project(global)
    let none = { project.terminal.error("No container to kill\n") }
    try project.actingOnFile(on: services, absent: none) { name, services in
      try project.carryOut(.kill, of: name, services: services) {
        try project.engine.kill(name, services: services, signal: number)
      }
    }
    guard removeOrphans else { return }
    let stack = try project.stack(warns: false)
    let known = stack.services.map(\.name)
    try project.reporting {
      try project.carryOut(.removeOrphans(known: known), of: stack.name, services: []) {
        try project.engine.removeOrphans(stack.name, known: known)
      }
    }
  }
}
