import Glibc
import LinuxSystem
import SystemPackage

/// A step that mostly waits for the kernel, done in a child process beside the rest.
///
/// The calling process must be single-threaded.
struct BackgroundStep {
  private let child: Result<(process: ProcessHandle, failure: SharedDescriptor), SystemCallError>

  /// Starts the step.
  init(_ step: () throws -> Void) {
    do throws(SystemCallError) {
      let (reading, writing) = try DescriptorPair.pipe().split()
      guard let child = try ClonedProcess.clone(0) else { Self.run(step, writing.borrowed) }
      writing.close()
      self.child = .success((child.handle, reading))
    } catch {
      child = .failure(error)
    }
  }

  private static func run(_ step: () throws -> Void, _ pipe: FileDescriptor) -> Never {
    do {
      try step()
      _exit(0)
    } catch {
      // Best effort: without the words the exit status still tells.
      try? Files.writeAll(pipe, "\(error)".utf8)
      _exit(1)
    }
  }

  /// Whether there is a process that does it.
  var hasBegun: Bool { descriptor != nil }

  /// Readable when the step is done; nil when it could not begin.
  var descriptor: FileDescriptor? {
    // What hindered it is thrown by `wait`.
    (try? child.get())?.process.descriptor
  }

  /// Waits until the step is done.
  /// - Throws: an error in the words of the step's own.
  func wait() throws {
    let (process, failure) = try child.get()
    let words = try Files.readAll(failure.borrowed)
    let status = try process.reap()
    if status != .exited(0) {
      let text = words.isEmpty ? "\(status)" : String(decoding: words, as: UTF8.self)
      throw EngineError(.failure, text)
    }
  }
}
