import Glibc
import IsolationEngine
import LinuxSystem
import StackEngine
import StackLifecycle
import StackModel
import StackStore
import SystemPackage

/// The process that reacts to what happens in a stack between commands: `stack supervise PROJECT RUN-DIR DATA-DIR`.
///
/// It restarts containers, checks their health, and answers for their names. Single-threaded, and never needed by what runs:
/// it may be killed at any moment, and the next one takes over from the state directory, which is also how commands and
/// supervisor tell each other things: who writes a file there is heard by inotify(7).
package final class SupervisorProcess {
  static let lockDescriptor = SupervisorSpawner.lockDescriptor

  private let paths: StatePaths
  private let directory: ProjectDirectory
  private let inotify: Inotify
  /// Nanoseconds without news, after which there is time for what nobody waits for.
  private static let deferral: UInt64 = 50_000_000
  private static let longestDeferral: UInt64 = 1_000_000_000

  private var containersWatch: CInt?
  private var watches: [CInt: String] = [:]
  private var containers: [String: SupervisedContainer] = [:]
  private let starter: ContainerStarter
  /// The process with which the stack is to end.
  private var owner: ProcessHandle?
  private let names: NameService
  /// Looks for new containers, and at those that are named.
  private var needsScan = true
  private var changed: Set<String> = []
  /// Containers that only names are interested in: looked at when somebody asks for a name, or when nothing else happens.
  private var deferred: Set<String> = []
  private var deferredUntil: UInt64 = .max
  private var deferredLatest: UInt64 = .max
  /// When to look again at what could not be looked at, for want of a descriptor or of memory.
  private var scanAt: UInt64 = .max
  /// When to look again whether there is still something to do.
  private var restsUntil: UInt64 = 0

  private init(project: String, paths: StatePaths) throws(SystemCallError) {
    self.paths = paths
    directory = paths.project(project)
    inotify = try Inotify()
    starter = ContainerStarter(directory: paths.project(project))
    names = NameService(project: project, paths: paths)
  }

  /// What has to be known before a name is looked up.
  private func prepareNames() {
    if !deferred.isEmpty { catchUp() }
    names.refresh(containers.values)
  }

  /// The main function of a supervisor.
  package static func main(_ arguments: [String]) -> Never {
    guard arguments.count == 3 else { exit(2) }
    close(SupervisorSpawner.programDescriptor)
    // Who reads standard error is not known: a broken pipe must not end it.
    signal(SIGPIPE, SIG_IGN)
    do {
      let paths = StatePaths(run: arguments[1], data: arguments[2])
      try StackScope.enter(project: arguments[0])
      try SupervisorProcess(project: arguments[0], paths: paths).run()
      exit(0)
    } catch {
      log("ended: \(error)")
      exit(1)
    }
  }

  static func log(_ text: String) {
    // Best effort: a log that cannot be written has no readers.
    try? Files.writeAll(.standardError, "\(text)\n".utf8)
  }

  // MARK: The loop

  private func run() throws {
    names.server.prepare = { [unowned self] in prepareNames() }
    _ = try inotify.add(
      directory.path, UInt32(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF))
    while true {
      look()
      if try isDone() { return }
      try wait()
    }
  }

  /// Brings what is known up to what is on the disk, and lets time pass.
  private func look() {
    let now = KernelClock.monotonic
    if needsScan || now >= scanAt {
      needsScan = false
      scan()
    }
    while let name = changed.popFirst() { refresh(name) }
    if now >= deferredUntil { catchUp() }
    names.time(now, containers.values)
    for (name, container) in containers {
      if let wake = container.wakeAt, now >= wake {
        container.wakeAt = nil
        apply(container.life.handle(.time, at: now), to: container)
      }
      if let probe = container.probe, now >= probe.deadline {
        Self.log("\(name): its health check does not end")
        try? probe.process.signal(SIGKILL)
      }
    }
  }

  private func catchUp() {
    deferredUntil = .max
    let names = deferred
    deferred = []
    for name in names { refresh(name) }
  }

  private func wait() throws {
    var descriptors = [inotify.descriptor]
    var actions: [() -> Void] = [{ self.readChanges() }]
    for (name, container) in containers {
      if let shim = container.shim {
        descriptors.append(shim.descriptor)
        actions.append { self.shimEnded(name) }
      }
      if let channel = container.starting {
        descriptors.append(channel.borrowed)
        actions.append { self.startReported(name) }
      }
      if let probe = container.probe {
        descriptors.append(probe.process.descriptor)
        actions.append { self.probeEnded(name) }
      }
    }
    if let owner {
      descriptors.append(owner.descriptor)
      actions.append { self.takeDown() }
    }
    for source in names.server.sources() {
      descriptors.append(source.descriptor)
      actions.append(source.act)
    }
    let ready = try Polling.readable(descriptors, milliseconds: limit)
    for (index, isReady) in ready.enumerated() where isReady { actions[index]() }
  }

  /// How long nothing has to be done.
  private var limit: Int {
    var next = min(names.deadline ?? .max, deferredUntil, scanAt, restsUntil > 0 ? restsUntil : .max)
    for container in containers.values {
      next = min(next, container.wakeAt ?? .max, container.probe?.deadline ?? .max)
    }
    return KernelClock.milliseconds(until: next)
  }

  private func readChanges() {
    guard let entries = try? inotify.entries() else {
      needsScan = true
      return
    }
    for entry in entries {
      if entry.watch < 0 {
        // Changes were lost: anything may have changed.
        needsScan = true
        changed.formUnion(containers.keys)
      } else if let name = watches[entry.watch] {
        readChange(entry.name, of: name)
      } else if entry.watch == containersWatch, entry.events & UInt32(IN_CREATE | IN_MOVED_TO) != 0, !entry.name.isEmpty
      {
        add(directory.container(entry.name))
      } else {
        needsScan = true
      }
    }
  }

  private func readChange(_ file: String, of name: String) {
    switch file {
    case "halt", "container", "paused": changed.insert(name)
    case "run":
      // Of a container that is known there is something to be done at once; of one that is not, `container` was told first.
      if containers[name]?.isWatched ?? true {
        changed.insert(name)
      } else {
        deferred.insert(name)
        let now = KernelClock.monotonic
        if deferredUntil == .max { deferredLatest = now + Self.longestDeferral }
        deferredUntil = min(now + Self.deferral, deferredLatest)
      }
    case "": needsScan = true
    default: break
    }
  }

  /// Whether nothing is left that could happen. No command is at work then: its lock is held until the end.
  private func isDone() throws -> Bool {
    restsUntil = 0
    if !directory.exists { return true }
    if owner != nil || scanAt != .max || !deferred.isEmpty || containers.values.contains(where: \.isActive) {
      return false
    }
    do {
      let lock = try FileLock(paths.lockPath(of: directory.name), wait: false)
      scan()
      while let name = changed.popFirst() { refresh(name) }
      if scanAt != .max || !deferred.isEmpty || containers.values.contains(where: \.isActive) { return false }
      // The supervisor's own file goes before the lock: who looks next finds none.
      try Files.removeFile(directory.supervisorPath)
      withExtendedLifetime(lock) {}
      return true
    } catch {
      guard error.errno == .wouldBlock || error.isShortage else { throw error }
      restsUntil = KernelClock.monotonic + 1_000_000_000
      return false
    }
  }

  // MARK: Containers

  private func scan() {
    scanAt = .max
    names.refreshNetworks()
    lookForOwner()
    if containersWatch == nil, Files.exists(directory.containersPath) {
      let mask = UInt32(IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_DELETE_SELF)
      containersWatch = try? inotify.add(directory.containersPath, mask)
    }
    let found: [ContainerDirectory]
    do throws(SystemCallError) {
      found = try directory.containers()
    } catch {
      // What is known stays known: it may all be there.
      Self.log("cannot tell which containers there are: \(error)")
      return scanLater()
    }
    let names = Set(found.map(\.name))
    for name in Set(containers.keys).union(watches.values) where !names.contains(name) { forget(name) }
    let known = Set(watches.values)
    for container in found where !known.contains(container.name) { add(container) }
  }

  private func scanLater() {
    scanAt = min(scanAt, KernelClock.monotonic + Self.longestDeferral)
  }

  private func lookForOwner() {
    do {
      guard let identity = try directory.readOwner() else {
        owner = nil
        return
      }
      owner = try identity.open()
      if owner == nil { takeDown() }
    } catch let error as SystemCallError {
      // It may be there, and its stack is not to be taken from it.
      Self.log("cannot tell whether the process is there that the stack belongs to: \(error)")
      scanLater()
    } catch {
      // It is being written: that is told too.
      owner = nil
    }
  }

  /// The owner is gone, however it ended: nothing of the stack is to be left. `down` ends this process too.
  private func takeDown() {
    owner = nil
    Self.log("the process that the stack belongs to is gone")
    do {
      try directory.removeOwner()
      let null = try Files.open("/dev/null", O_RDWR)
      var spawn = Spawn(
        path: "/proc/self/exe", arguments: ["stack", "--project-name", directory.name, "down", "-v", "-t", "0"],
        environment: ["STACK_RUN_DIR=\(paths.run)", "STACK_DATA_DIR=\(paths.data)", "PATH=/usr/bin:/bin"],
        descriptors: [0: null.borrowed, 1: null.borrowed, 2: .standardError])
      spawn.newSession = true
      _ = try spawn.start()
    } catch {
      Self.log("the stack cannot be taken down: \(error)")
    }
  }

  private func add(_ container: ContainerDirectory) {
    // The watch first: what is written between it and the reading is looked for twice, not missed.
    let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF)
    let watch: CInt
    do throws(SystemCallError) {
      watch = try inotify.add(container.path, mask)
    } catch {
      // Unless it has been removed meanwhile, it is tried again.
      if error.errno != .noSuchFileOrDirectory { scanLater() }
      return
    }
    watches[watch] = container.name
    if Files.exists("\(container.path)/container") { changed.insert(container.name) }
  }

  private func forget(_ name: String) {
    containers[name]?.probe?.cancel()
    containers[name] = nil
    deferred.remove(name)
    names.changed()
    for (watch, watched) in watches where watched == name {
      inotify.remove(watch)
      watches[watch] = nil
    }
  }

  /// Reads what is known of a container, and acts on what is new.
  private func refresh(_ name: String) {
    guard let status = status(of: name), let record = status.record else { return }
    let container: SupervisedContainer
    if let known = containers[name], known.isSame(as: record) {
      container = known
    } else {
      containers[name]?.probe?.cancel()
      container = SupervisedContainer(status.directory, record)
      containers[name] = container
      names.changed()
    }
    let now = KernelClock.monotonic
    let ranBefore = container.isRunning
    apply(container.take(status, at: now), to: container)
    if container.lacksHandle { lookLater(at: name) }
    apply(container.followPause(), to: container)
    if container.isRunning != ranBefore { names.changed(ended: ranBefore) }
    if container.isRunning { restartGuests(of: container) }
  }

  private func status(of name: String) -> ContainerStatus? {
    do {
      return try ContainerStatus(directory.container(name))
    } catch let error as SystemCallError where error.isShortage {
      Self.log("\(name): cannot be looked at: \(error)")
      lookLater(at: name)
      return nil
    } catch {
      // What cannot be read is being written or removed: that is told too.
      return nil
    }
  }

  private func lookLater(at name: String) {
    deferred.insert(name)
    deferredUntil = min(deferredUntil, KernelClock.monotonic + Self.longestDeferral)
  }

  private func shimEnded(_ name: String) {
    containers[name]?.shimEnded()
    refresh(name)
  }

  /// The shim of a restart runs its program, or says why it cannot, or has ended.
  private func startReported(_ name: String) {
    guard let container = containers[name], let channel = container.starting else { return }
    container.starting = nil
    let message = (try? Message.receive(over: channel.borrowed)).flatMap { $0 }.flatMap {
      try? ShimMessage(wireBytes: $0)
    }
    if case .started = message { return refresh(name) }
    if case .failed(let step, let reason) = message { Self.log("\(name): cannot be started again: \(step): \(reason)") }
    if message == nil { Self.log("\(name): cannot be started again: its shim was killed") }
    apply(container.life.handle(.restartFailed, at: KernelClock.monotonic), to: container)
  }

  private func probeEnded(_ name: String) {
    guard let container = containers[name] else { return }
    let hadFailed = container.lastCheck?.succeeded == false
    let effects = container.probeEnded()
    apply(effects, to: container)
    // A failure is worth knowing even when nothing else changes, and so is that it is over.
    let isNews = hadFailed || container.lastCheck?.succeeded == false
    if isNews && !effects.contains(.changed) { container.writeLife() }
  }

  private func apply(_ effects: [ContainerLife.Effect], to container: SupervisedContainer) {
    for effect in effects {
      switch effect {
      case .probe(let run): apply(container.startProbe(run: run), to: container)
      case .cancelProbe:
        container.probe?.cancel()
        container.probe = nil
        container.wakeAt = nil
      case .restart: restart(container)
      case .wake(let time): container.wakeAt = time
      case .changed:
        container.writeLife()
        if case .restarting = container.life.phase { stopGuests(of: container) }
      }
    }
  }

  private func restart(_ container: SupervisedContainer) {
    do {
      switch try starter.restart(container.directory, container.record) {
      case .started(let channel): container.starting = channel
      case .changedMeanwhile: changed.insert(container.directory.name)
      }
    } catch {
      Self.log("\(container.directory.name): cannot be started again: \(error)")
      apply(container.life.handle(.restartFailed, at: KernelClock.monotonic), to: container)
    }
  }

  // MARK: Containers in namespaces of another

  private func guests(of owner: SupervisedContainer) -> [SupervisedContainer] {
    containers.values.filter { $0.record.namespaceOwners.contains(owner.record.service) }
  }

  /// A namespace ends with its owner: who lives in it has to start again too.
  private func stopGuests(of owner: SupervisedContainer) {
    if !deferred.isEmpty { catchUp() }
    for guest in guests(of: owner) where guest.isRunning {
      guest.followsOwner = true
      guest.kill()
    }
  }

  private func restartGuests(of owner: SupervisedContainer) {
    for guest in guests(of: owner) where guest.followsOwner && !guest.isRunning {
      guest.followsOwner = false
      restart(guest)
    }
  }
}
