import Glibc
import LinuxSystem
import StackLogs
import StackPlan
import StackStore
import SystemPackage

/// The logs of containers on their way to standard output.
struct LogOutput {
  private var renderer: LogRenderer
  /// Whether what containers write to standard error goes there.
  private let separatesErrors: Bool

  init(_ style: LogRenderer.Style, separatesErrors: Bool = false) {
    renderer = LogRenderer(style)
    self.separatesErrors = separatesErrors
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

  /// How groups begin and end.
  enum GroupMarkers {
    case headings
    /// Workflow commands of GitHub Actions.
    case gitHub
  }

  /// Prints what there is, container after container.
  mutating func printGroups(
    _ containers: [ContainerStatus], selection: LogSelection, markers: GroupMarkers
  ) throws {
    // What a service writes is no workflow command, whatever it looks like: nobody can guess the word that ends that.
    let word = StableHash.hexadecimal(KernelClock.monotonic) + StableHash.hexadecimal(KernelClock.realtime)
    var output = BufferedOutput(.standardOutput)
    for (number, container) in containers.enumerated() {
      let source = renderer.add(container.displayName)
      var reader = try LogReader(directory: container.directory.logs, selection: selection)
      try output.append {
        switch markers {
        case .headings: $0 += "\(number > 0 ? "\n" : "")\(container.displayName):\n".utf8
        case .gitHub: $0 += "::group::\(container.displayName)\n::stop-commands::\(word)\n".utf8
        }
      }
      while let line = try reader.next() {
        try output.append { renderer.append(line, from: source, to: &$0) }
      }
      if case .gitHub = markers { try output.append { $0 += "::\(word)::\n::endgroup::\n".utf8 } }
    }
    try output.flush()
  }

  /// Prints what there is and what comes, until all containers have ended.
  ///
  /// - Parameter interruption: called when a signal came; printing goes on afterwards.
  mutating func follow(
    _ containers: [ContainerStatus], selection: LogSelection, isShown: (Int) -> Bool = { _ in true },
    isAwaited: (Int) -> Bool = { _ in true }, interruption: Interruption?
  ) throws {
    var follower = try LogFollower()
    let runs = try RunWatch()
    var awaited = Set(containers.indices.filter(isAwaited))
    for container in containers {
      _ = renderer.add(container.displayName)
      try Files.makeDirectories(container.directory.logs)
      _ = try follower.add(directory: container.directory.logs, selection: selection)
      try runs.add(container)
    }
    var output = BufferedOutput(.standardOutput)
    var errors = BufferedOutput(.standardError)
    while true {
      try drain(&follower, &output, &errors, isShown)
      // Whatever else runs on: those that were waited for have ended, and all that they wrote was shown.
      if follower.isFinished || awaited.isEmpty { return }
      let watched = [follower.descriptor] + runs.descriptors
      let ready = try Polling.readable(
        watched + (interruption?.descriptors ?? []), milliseconds: runs.hasNews ? 0 : -1)
      // A shim ends after its last write: what is read from here on is complete.
      var ended: [Int] = []
      for news in try runs.news(ready[1..<watched.count]) {
        switch news {
        case .ended(let source): interruption?.ended(source)
        case .finished(let source):
          try follower.end(source)
          ended.append(source)
        }
      }
      if !ended.isEmpty {
        try drain(&follower, &output, &errors, isShown)
        awaited.subtract(ended)
      }
      if ready[watched.count...].contains(true) { try interruption?.act() }
    }
  }

  private mutating func drain(
    _ follower: inout LogFollower, _ output: inout BufferedOutput, _ errors: inout BufferedOutput,
    _ isShown: (Int) -> Bool
  ) throws {
    while let line = try follower.next() {
      if !isShown(line.source) { continue }
      // Where both lead to one place, the order of time is kept there.
      if separatesErrors && line.line.stream == .standardError {
        try output.flush()
        try errors.append { renderer.append(line.line, from: line.source, to: &$0) }
      } else {
        try errors.flush()
        try output.append { renderer.append(line.line, from: line.source, to: &$0) }
      }
    }
    try errors.flush()
    try output.flush()
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
