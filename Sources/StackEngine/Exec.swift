import IsolationEngine
import LinuxSystem
import StackStore

extension Engine {
  /// A process to be executed in the running container of a service, as the service's own would be.
  package func exec(
    in service: String, of project: String, index: Int = 1, command: [String]
  ) throws(EngineError) -> ContainerExec {
    try requireRoot()
    let all = try engineStep { try paths.project(project).statuses() }
    let container = all.first { status in
      guard let record = status.record else { return false }
      return record.service == service && record.number == index && !record.isOneOff
    }
    guard let status = container, case .running(let run, _) = status.state
    else { throw EngineError(.failure, "service \"\(service)\" is not running") }
    // Names in the container need it; without it the command is still of use.
    try? SupervisorSpawner(paths: paths, project: project).ensure()
    let specification = try engineStep(service) {
      try ContainerSpecification(wireBytes: status.directory.readSpecification())
    }
    var process = specification.process
    process.arguments = command
    process.usesInit = false
    process.hasTerminal = false
    return ContainerExec(specification, initProcess: run.process, process: process)
  }
}
