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

  package func resume() throws(SystemCallError) {
    try Files.removeFile("\(path)/halt")
  }
}
