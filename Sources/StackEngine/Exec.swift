import IsolationEngine
import LinuxSystem
import StackStore

extension Engine {
  /// A process to be executed in the running container of a service, as the service's own would be.
  package func exec(in service: String, of project: String, command: [String]) throws(EngineError) -> ContainerExec {
    try requireRoot()
    guard let status = try containers(of: project, services: [service]).first, case .running(let run, _) = status.state
    else { throw EngineError(.failure, "service \(service) is not running") }
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
