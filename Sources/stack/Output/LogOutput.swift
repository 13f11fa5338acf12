import Glibc
import LinuxSystem
import StackLogs
import StackStore
import SystemPackage

/// The logs of containers on their way to standard output.
struct LogOutput {
  private var renderer: LogRenderer

  init(_ style: LogRenderer.Style) {
    renderer = LogRenderer(style)
  }

  /// Prints what there is.
  mutating func print(_ containers: [ContainerStatus], selection: LogSelection) throws {
    var readers: [LogReader] = []
    for container in containers {
      _ = renderer.add(container.displayName)
      readers.append(try LogReader(directory: container.directory.logs, selection: selection))
    }
    var merger = LogMerger(readers)
    var output = BufferedOutput(.standardOutput)
    while let line = try merger.next() {
      try output.append { renderer.append(line.line, from: line.source, to: &$0) }
    }
    try output.flush()
  }

  /// Prints what there is and what comes, until all containers have ended.
  ///
  /// - Parameter interruption: called when a signal came; printing goes on afterwards.
  mutating func follow(
    _ containers: [ContainerStatus], selection: LogSelection, interruption: Interruption?
  ) throws {
    var follower = try LogFollower()
    var shims: [Int: ProcessHandle] = [:]
    for container in containers {
      _ = renderer.add(container.displayName)
      try Files.makeDirectories(container.directory.logs)
      let source = try follower.add(directory: container.directory.logs, selection: selection)
      if let shim = container.state.shim?.open() { shims[source] = shim } else { try follower.end(source) }
    }
    var output = BufferedOutput(.standardOutput)
    while true {
      while let line = try follower.next() {
        try output.append { renderer.append(line.line, from: line.source, to: &$0) }
      }
      try output.flush()
      if follower.isFinished { return }
      let sources = shims.keys.sorted()
      var watched = [follower.descriptor] + sources.compactMap { shims[$0]?.descriptor }
      if let interruption { watched += interruption.descriptors }
      let ready = try Polling.readable(watched)
      // A shim ends after its last write: what is read from here on is complete.
      for (index, source) in sources.enumerated() where ready[index + 1] {
        shims[source] = nil
        try follower.end(source)
        interruption?.ended(source)
      }
      if ready.suffix(interruption?.descriptors.count ?? 0).contains(true) { try interruption?.act() }
    }
  }

  /// What interrupts the printing of an attached `up`.
  struct Interruption {
    let descriptors: [FileDescriptor]
    let act: () throws -> Void
    /// The container of a source has ended.
    let ended: (Int) -> Void
  }
}

extension ContainerStatus {
  /// As it stands before its lines: the name that the file gives, or that of the container without its project.
  var displayName: String {
    if let name = record?.containerName { return name }
    guard let record, directory.name.hasPrefix("\(record.project)-") else { return directory.name }
    return String(directory.name.dropFirst(record.project.count + 1))
  }
}
