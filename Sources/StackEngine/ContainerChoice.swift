import IsolationEngine
import LinuxSystem
import StackStore

extension Engine {
  /// One container of a service.
  /// - Parameter index: which of them, from 1.
  package func container(
    of service: String, in project: String, index: Int = 1
  ) throws(EngineError) -> ContainerStatus {
    try requireRoot()
    let all = try engineStep { try paths.project(project).statuses() }
    let own = all.filter { $0.record?.service == service && $0.record?.isOneOff == false }
    if let status = own.first(where: { $0.record?.number == index }) { return status }
    if own.isEmpty { throw EngineError(.failure, "service \"\(service)\" is not running") }
    throw EngineError(.failure, "service \"\(service)\" has no container \(index): it has \(own.count)")
  }

  /// The files of a container, running or not.
  package func fileSystem(of status: ContainerStatus) throws(EngineError) -> ContainerFileSystem {
    try engineStep(status.name) {
      let specification = try ContainerSpecification(wireBytes: status.directory.readSpecification())
      let running: RunRecord? = if case .running(let run, _) = status.state { run } else { nil }
      return try ContainerFileSystem(specification, running: running?.process)
    }
  }
}
