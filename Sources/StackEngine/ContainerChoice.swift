import IsolationEngine
import LinuxSystem
import StackPlan
import StackStore

extension Engine {
  /// One container of a service.
  /// - Parameter index: which of them, from 1; nil is the first that runs, if none does one that `run` made, else the first.
  package func container(
    of service: String, in project: String, index: Int? = nil
  ) throws(EngineError) -> ContainerStatus {
    try requireRoot()
    if let status = try engineStep(service, { try expected(service, index ?? 1, in: project) }),
      index != nil || status.state.shim != nil
    {
      return status
    }
    let all = try engineStep { try paths.project(project).statuses() }.filter { $0.record?.service == service }
    let own = all.filter { $0.record?.isOneOff == false }.sorted { $0.record?.number ?? 0 < $1.record?.number ?? 0 }
    if let index {
      if let status = own.first(where: { $0.record?.number == index }) { return status }
      throw EngineError(.failure, "service \"\(service)\" is not running container #\(index)")
    }
    let running = (own + all.filter { $0.record?.isMadeByRun == true }).first { $0.state.shim != nil }
    if let status = running ?? own.first { return status }
    throw EngineError(.failure, "service \"\(service)\" is not running")
  }

  /// The container of a service with this number, found without a look at all others.
  private func expected(_ service: String, _ number: Int, in project: String) throws -> ContainerStatus? {
    let name = KernelNames.container(project: project, service: service, number: number)
    let status = try ContainerStatus(paths.project(project).container(name))
    let record = status.record
    return record?.service == service && record?.isOneOff == false && record?.number == number ? status : nil
  }

  /// One container of a service, chosen as by `container(of:in:index:)`, that runs. One that is being started, which takes
  /// milliseconds, is waited for.
  /// - Throws: `EngineError`, also when it does not run.
  package func runningContainer(
    of service: String, in project: String, index: Int? = nil
  ) throws(EngineError) -> (status: ContainerStatus, run: RunRecord) {
    let chosen = try container(of: service, in: project, index: index)
    let status = try engineStep(chosen.name) { try Self.afterItsStart(chosen) }
    guard case .running(let run, _) = status.state
    else { throw EngineError(.failure, "service \"\(service)\" is not running") }
    return (status, run)
  }

  private static func afterItsStart(_ chosen: ContainerStatus) throws -> ContainerStatus {
    guard case .starting = chosen.state else { return chosen }
    let watch = try LifeWatch()
    try watch.add(chosen.name, chosen.directory)
    var status = try ContainerStatus(chosen.directory)
    // The shim writes down that the container runs, or ends.
    while case .starting(let shim) = status.state {
      if let handle = try shim.open() { _ = try Polling.readable([watch.descriptor, handle.descriptor]) }
      _ = try watch.changes()
      status = try ContainerStatus(chosen.directory)
    }
    return status
  }

  /// The files of a container, running or not.
  package func fileSystem(of status: ContainerStatus) throws(EngineError) -> ContainerFileSystem {
    try engineStep(status.name) {
      let specification = try status.directory.specification()
      let running: RunRecord? = if case .running(let run, _) = status.state { run } else { nil }
      return try ContainerFileSystem(specification, running: running?.process)
    }
  }

  /// Which numbers the users of a container have on the machine; nil when they are the machine's own.
  package func users(of status: ContainerStatus) throws(EngineError) -> UserMapping? {
    try engineStep(status.name) {
      try status.directory.specification().namespaces.users
    }
  }
}

extension ContainerDirectory {
  /// What the engine runs.
  package func specification() throws -> ContainerSpecification {
    try ContainerSpecification(wireBytes: readSpecification())
  }
}
