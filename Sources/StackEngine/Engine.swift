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
  let began = KernelClock.monotonic

  package init(paths: StatePaths, observer: any ProgressObserver) {
    self.paths = paths
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

  /// Keeps every other operation on the project away until the lock goes out of scope.
  func lock(_ project: String) throws(EngineError) -> FileLock {
    do {
      try Files.makeDirectories("\(paths.run)/locks")
      return try FileLock(paths.lockPath(of: project))
    } catch {
      throw EngineError(.hostRefuses, "cannot lock project \(project): \(error)")
    }
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
