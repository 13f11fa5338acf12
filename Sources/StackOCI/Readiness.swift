import Glibc
import IsolationEngine
import LinuxMounts
import LinuxSystem
import SystemPackage

/// The socket of the service manager that the command was called by (sd_notify(3)), handed on: the container has one in its
/// place, and what it says of being ready is passed on.
///
/// In the container a directory is where the manager's socket is outside, as with crun, and the socket is in it: it can be
/// mounted before anybody listens, which is whoever starts the container.
struct ReadinessSocket {
  private static let variable = "NOTIFY_SOCKET"
  private static let name = "notify"

  /// Where the manager listens: a path, or an abstract name.
  private let manager: String
  private let directory: String

  /// nil when no manager is to be told.
  init?(_ states: StateDirectory, of id: String) {
    guard let text = unsafe getenv(Self.variable) else { return nil }
    manager = unsafe String(cString: text)
    guard manager.hasPrefix("/") || manager.hasPrefix("@") else { return nil }
    directory = "\(states.directory(of: id))/\(Self.name)"
  }

  /// Tells the program of its socket.
  func announce(_ configuration: inout OCIConfiguration) {
    let place = manager.hasPrefix("/") ? manager : "/run/notify"
    configuration.process?.environment.append("\(Self.variable)=\(place)/\(Self.name)")
    var mount = ListedMount(.bind(directory, isRecursive: false), target: place)
    mount.attributes.added = [.noSetUserID, .noDevices, .noExecution]
    configuration.mounts.append(mount)
  }

  /// Makes what is mounted; the directory of the container is there.
  func prepare() throws(SystemCallError) { try Files.makeDirectory(directory, mode: 0o755) }

  /// Listens in a container that was created with it; nil in others.
  func listen() throws(SystemCallError) -> Readiness? {
    if !Files.exists(directory) { return nil }
    let place = try Files.open(directory, O_PATH | O_DIRECTORY)
    return Readiness(socket: SharedDescriptor(try LocalSocket.bind(Self.name, in: place.borrowed)), manager: manager)
  }
}

/// What a container says of being ready.
struct Readiness {
  let socket: SharedDescriptor
  fileprivate let manager: String

  /// Reads what has come, and passes on that the container is ready.
  /// - Parameter main: the process that the manager is to watch from now on, if that is another one.
  /// - Returns: whether it is.
  func pass(main: pid_t? = nil) -> Bool {
    var isReady = false
    while let bytes = try? Files.readOnce(socket.borrowed, limit: 4096), !bytes.isEmpty {
      let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
      guard lines.contains("READY=1") else { continue }
      isReady = true
      // Best effort: a manager that is gone waits for nothing.
      try? LocalSocket.send(Array(("READY=1" + (main.map { "\nMAINPID=\($0)" } ?? "")).utf8), to: manager)
    }
    return isReady
  }

  /// Waits until the container is ready, which the manager is told, or has ended.
  func wait(for process: ProcessHandle, _ pid: pid_t) throws {
    while true {
      let ready = try Polling.readable([socket.borrowed, process.descriptor])
      if pass(main: pid) || ready[1] { return }
    }
  }
}
