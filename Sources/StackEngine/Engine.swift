import Glibc
import LinuxSystem
import StackModel
import StackStore

/// Carries plans out, and takes them back: everything that a command does to a stack.
///
/// All operations work from the state directory and the kernel alone; none needs a process that was there before. One lock a
/// project keeps two operations from each other. Needs root.
package struct Engine {
  package let paths: StatePaths
  let observer: any ProgressObserver
  let caller: Caller
  let began = KernelClock.monotonic

  package init(paths: StatePaths, observer: any ProgressObserver, caller: Caller = Caller(environment: [:])) {
    self.paths = paths
    self.caller = caller
    self.observer = observer
  }

  func report(
    _ kind: ProgressEvent.Kind, _ name: String, _ phase: ProgressEvent.Phase, detail: String? = nil
  ) {
    observer.report(
      ProgressEvent(kind, name, phase, detail: detail, time: KernelClock.monotonic - began))
  }

  func requireRoot() throws(EngineError) {
    guard geteuid() == 0 else {
      throw EngineError(.hostRefuses, "root is needed to isolate services: run this command with sudo")
    }
  }

  /// Runs an operation while every other one on the project is kept away.
  func locked<Result>(
    _ project: String, _ operation: (FileLock) throws(EngineError) -> Result
  ) throws(EngineError) -> Result {
    let lock = try lock(project)
    defer {
      // Of a project that is not there, nothing stays. Best effort: an empty file is no harm.
      if !paths.project(project).exists { try? Files.removeFile(paths.lockPath(of: project)) }
      withExtendedLifetime(lock) {}
    }
    return try operation(lock)
  }

  private func lock(_ project: String) throws(EngineError) -> FileLock {
    do {
      try Files.makeDirectories("\(paths.run)/locks")
      return try FileLock(paths.lockPath(of: project))
    } catch {
      throw EngineError(.hostRefuses, "cannot lock project \(project): \(error)")
    }
  }

  /// The containers of a project that are known, of the services named, or of all.
  ///
  /// - Throws: for a service of which there is none.
  package func containers(of project: String, services: [String]) throws(EngineError) -> [ContainerStatus] {
    let statuses = try engineStep { try paths.project(project).statuses() }.filter { $0.record != nil }
    let known = Set(statuses.compactMap { $0.record?.service })
    let unknown = services.filter { !known.contains($0) }
    if !unknown.isEmpty {
      throw EngineError(
        .failure,
        unknown.map {
          EngineError.Problem(nil, "service \($0) has no container: it was not started, or has another name")
        })
    }
    return statuses.filter { services.isEmpty || services.contains($0.record?.service ?? "") }
  }
}

/// Runs a part of an operation; a failure that is not yet one of the engine's becomes one, with its subject.
func engineStep<Result: ~Copyable>(
  _ subject: String? = nil, kind: EngineError.Kind = .failure, _ body: () throws -> Result
) throws(EngineError) -> Result {
  do {
    return try body()
  } catch let error as EngineError {
    throw error
  } catch {
    throw EngineError(kind, subject, "\(error)")
  }
}
