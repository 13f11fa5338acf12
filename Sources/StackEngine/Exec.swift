import IsolationEngine
import LinuxSystem
import StackStore

extension Engine {
  /// A process to be executed in the running container of a service, as the service's own would be.
  package func exec(
    in service: String, of project: String, index: Int? = nil, command: [String]
  ) throws(EngineError) -> ContainerExec {
    let (status, run) = try runningContainer(of: service, in: project, index: index)
    // Its cgroup would stop the new process too, before it is anything.
    if status.directory.isPaused {
      throw EngineError(.failure, "service \"\(service)\" is paused: \"stack unpause \(service)\" lets it go on")
    }
    // Names in the container need it; without it the command is still of use.
    try? SupervisorSpawner(paths: paths, project: project).ensure()
    let specification = try engineStep(service) { try status.directory.specification() }
    return ContainerExec(specification, initProcess: run.process, process: specification.process.executing(command))
  }
}
