import ArgumentParser
import IsolationEngine
import LinuxCgroup
import LinuxSystem
import StackEngine
import StackStore

struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "top", abstract: "List the processes of services.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The services; all if none is named.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    try project.acting(on: services) { name, services in
      let engine = project.engine
      var table = Table(["SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"])
      for status in try engine.containers(of: name, services: services).sorted(by: { $0.name < $1.name }) {
        guard case .running = status.state, let record = status.record else { continue }
        let users = try engine.users(of: status)
        for pid in try engine.cgroup(of: status).processes().sorted() {
          // One that has ended meanwhile is not listed.
          if let process = try? ProcessDescription(pid) {
            let user = users.flatMap { users in UInt32(process.user).map { "\(users.inside($0))" } } ?? process.user
            table.rows.append([
              record.service, "\(record.number)", user, "\(pid)", process.parent, process.load, process.started,
              process.terminal, process.time, process.command,
            ])
          }
        }
      }
      if !table.rows.isEmpty { project.terminal.write(table.text) }
    }
  }
}
