import IsolationEngine
import LinuxSystem
import StackModel
import StackStore

/// Commands that are run in a container when it has started, or before it is stopped (`post_start`, `pre_stop`).
struct Hooks {
  let container: ContainerDirectory
  let run: RunRecord
  let service: String

  /// Runs one after the other; their output goes into the container's log.
  /// - Parameter limit: milliseconds for each; then it is killed. Negative is no limit.
  func run(_ hooks: [LifecycleHook], limit: Int = -1) throws {
    guard !hooks.isEmpty else { return }
    let specification = try container.specification()
    for hook in hooks {
      var process = specification.process.executing(hook.command)
      process.environment += hook.environment.map { "\($0.name)=\($0.value)" }
      if let user = hook.user { process.user = user }
      if let directory = hook.workingDirectory { process.workingDirectory = directory }
      let (code, lastLines) = try HookProcess.run(
        .init(
          container: container, initProcess: run.process, process: process, isPrivileged: hook.isPrivileged,
          limit: limit))
      if code != 0 {
        let words = hook.command.joined(separator: " ")
        let lines = lastLines.map { "\n    \($0)" }.joined()
        throw Failure(description: "\(service) hook exited with status \(code): \(words)\(lines)")
      }
    }
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }
}
