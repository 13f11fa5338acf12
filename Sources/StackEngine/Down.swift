import Glibc
import LinuxCgroup
import LinuxFirewall
import LinuxNetlink
import LinuxSystem
import StackImages
import StackModel
import StackPlan
import StackStore

package struct DownOptions: Hashable, Sendable {
  /// Also the named volumes of the project.
  package var removesVolumes = false
  /// Also the images of its containers that nobody else uses.
  package var removesImages = false
  /// Seconds; nil is each container's own grace period.
  package var timeout: Int?
  /// The end of an `up` that failed, which is not an operation of its own to the user.
  var takesBack = false

  package init() {}
}

extension Engine {
  /// Ends a stack and removes everything of it.
  ///
  /// Works from the project's name alone: whatever state is missing or damaged, the names in the kernel derive from it.
  /// Absent things are no errors; a failure does not keep the rest from being removed, and all failures are reported.
  package func down(_ project: String, _ options: DownOptions = DownOptions()) throws(EngineError) {
    try requireRoot()
    try locked(project) { _ throws(EngineError) in
      try removeAll(project, options)
    }
  }

  func removeAll(_ project: String, _ options: DownOptions) throws(EngineError) {
    let directory = paths.project(project)
    var problems = Problems()
    let images = options.removesImages ? imageNames(in: directory) : []
    let existed = directory.exists
    // The kernel waits for its readers (RCU) before it lets go of links and rules: meanwhile the rest goes.
    var network: BackgroundStep?
    var hooks: [EngineError.Problem] = []
    problems.collect {
      hooks = try StopOperation(engine: self, timeout: options.timeout, takesBack: options.takesBack).stop(
        try readableStatuses(directory),
        noneCanAct: { network = BackgroundStep { try self.removeNetwork(of: project) } })
    }
    // Only now: until they have ended, containers may ask it for names.
    problems.collect("supervisor") { try SupervisorSpawner(paths: paths, project: project).end() }
    // What the records do not know, the cgroups do.
    problems.collect("cgroup") { try removeCgroups(of: project) }
    problems.collect("volumes") {
      let volumes = VolumeStore(directory: paths.volumes)
      try volumes.removeAnonymous(of: project)
      if options.removesVolumes {
        for name in try volumes.removeNamed(of: project) { report(.volume, name, .removed) }
      }
    }
    problems.collect(directory.path) { try directory.removeContainers() }
    problems.collect("network") {
      // Where no process could be made for it, it is done here.
      if let network, network.hasBegun { try network.wait() } else { try removeNetwork(of: project) }
    }
    if problems.all.isEmpty {
      problems.collect(directory.path) { try directory.remove() }
      if existed { report(.network, project, .removed) }
    }
    for name in images { problems.collect(name) { try removeImage(name) } }
    if !problems.all.isEmpty || !hooks.isEmpty { throw EngineError(.failure, problems.all + hooks) }
  }

  private func imageNames(in directory: ProjectDirectory) -> [String] {
    // Best effort, as below.
    let statuses = (try? directory.containers().compactMap { try? ContainerStatus($0) }) ?? []
    return Set(statuses.compactMap { $0.record?.image }.filter { !$0.isEmpty }).sorted()
  }

  private func removeImage(_ name: String) throws {
    do {
      _ = try ImageStore(dataDirectory: paths.data).remove(name, use: try paths.imageUse())
      report(.image, name, .removed)
    } catch let error as ImageError where error.kind == .inUse {
      report(.image, name, .hindered, detail: "\(error)")
    } catch let error as ImageError where error.kind == .notFound {
      // Two of its names were one image, or somebody was first.
    }
  }

  /// The containers whose records can be read. A damaged record must not keep the others from being stopped: its processes
  /// are in the project's cgroup.
  private func readableStatuses(_ directory: ProjectDirectory) throws -> [ContainerStatus] {
    try directory.containers().compactMap { try? ContainerStatus($0) }
  }

  private func removeCgroups(of project: String) throws {
    let hierarchy = try CgroupHierarchy.current()
    try Cgroup.killAll(of: project, on: hierarchy)
    try Cgroup.removeAll(of: project, on: hierarchy)
  }

  private func removeNetwork(of project: String) throws {
    let firewall = try FirewallSocket()
    try firewall.delete(table: KernelNames.table(project: project))
    let route = try RouteSocket()
    // Interfaces of containers go with their network namespaces; what is named is the bridges. All are in one group.
    try route.deleteLinks(group: KernelNames.linkGroup(project: project))
  }
}
