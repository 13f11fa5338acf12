import LinuxSystem

/// Who may start a container again.
///
/// Commands and the supervisor both start containers, and take turns by a lock of the container's directory: whoever holds it
/// finds out what the container does, and acts on that. A command that wants a container to stay stopped leaves the mark
/// `halt` first.
extension ContainerDirectory {
  /// The lock of the container (flock(2) of its directory). Waits for another holder, who never keeps it for long.
  package func lock() throws(SystemCallError) -> DirectoryLock {
    try DirectoryLock(path)
  }

  package var isHalted: Bool { Files.exists("\(path)/halt") }

  /// From now on the supervisor does not start the container again, until `resume`.
  package func halt() throws(SystemCallError) {
    let lock = try lock()
    defer { withExtendedLifetime(lock) {} }
    try Files.replace("\(path)/halt", with: [])
  }

  /// Its processes are stopped where they are, until somebody lets them go on.
  package var isPaused: Bool { Files.exists("\(path)/paused") }

  package func markPaused(_ isPaused: Bool) throws(SystemCallError) {
    if isPaused { try Files.replace("\(path)/paused", with: []) } else { try Files.removeFile("\(path)/paused") }
  }

  package func resume() throws(SystemCallError) {
    try Files.removeFile("\(path)/halt")
  }
}
