import Glibc
import LinuxSystem
import StackStore
import SystemPackage

/// Tells when containers end, and which of them are started again.
final class RunWatch {
  enum News {
    /// A run of the container has ended; all that it wrote is in its log.
    case ended(Int)
    /// It is not started again.
    case finished(Int)
  }

  private let inotify: Inotify
  private var directories: [ContainerDirectory] = []
  private var sources: [CInt: Int] = [:]
  private var shims: [Int: ProcessHandle] = [:]
  private var isFinished: [Bool] = []
  private var pending: [News] = []

  init() throws(SystemCallError) {
    inotify = try Inotify()
  }

  /// Adds a container; positions count from 0.
  func add(_ container: ContainerStatus) throws {
    let source = directories.count
    directories.append(container.directory)
    isFinished.append(false)
    // The watch first: what happens between it and the look is looked at twice.
    sources[try inotify.add(container.directory.path, UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF))] = source
    let now = try? ContainerStatus(container.directory)
    // One that has ended before anybody looked.
    if case .exited? = now?.state { pending.append(.ended(source)) }
    try act(on: now, of: source)
  }

  /// Finds out what a container does now.
  private func look(_ source: Int) throws {
    guard !isFinished[source], shims[source] == nil else { return }
    try act(on: try? ContainerStatus(directories[source]), of: source)
  }

  /// - Parameter status: nil of a container that is gone, and does not come back.
  private func act(on status: ContainerStatus?, of source: Int) throws {
    if let shim = try status?.state.shim?.open() {
      shims[source] = shim
    } else if !(status?.isRestarting ?? false) {
      isFinished[source] = true
      pending.append(.finished(source))
    }
  }

  var hasNews: Bool { !pending.isEmpty }

  var descriptors: [FileDescriptor] {
    [inotify.descriptor] + shims.sorted { $0.key < $1.key }.map(\.value.descriptor)
  }

  /// What happened, given which of `descriptors` were ready.
  func news(_ ready: ArraySlice<Bool>) throws -> [News] {
    var news: [News] = []
    for (source, isReady) in zip(shims.keys.sorted(), ready.dropFirst()) where isReady {
      shims[source] = nil
      news.append(.ended(source))
      try look(source)
    }
    if ready.first == true {
      for change in try inotify.changes() {
        for source in change.watch < 0 ? Array(directories.indices) : sources[change.watch].map({ [$0] }) ?? [] {
          try look(source)
        }
      }
    }
    defer { pending = [] }
    return news + pending
  }
}
