import Glibc
import LinuxSystem

/// The lowest layer of every container's root: places for the engine's own mounts, for images that have none.
///
/// Without it each container would have to make them in its writable layer: a copy of `/etc` and three files, each of which
/// costs as much as a mount. An image that has a file, a link or a whiteout at such a place covers it.
struct BaseLayer {
  /// Its directory, shared by all containers of the machine.
  let path: String

  /// Makes what is not there. Any number of processes may do so at once, and any of them may be killed.
  func ensure() throws(SystemCallError) {
    let files = ContainerFiles.names.map { "\(path)/etc/\($0)" }
    if let last = files.last, Files.exists(last) { return }
    // It is every container's root, whatever the caller's own files are to look like.
    let before = umask(0)
    defer { umask(before) }
    try Files.makeDirectories(path, mode: 0o755)
    for name in ["proc", "sys", "dev", "etc"] { try Files.makeDirectory("\(path)/\(name)", mode: 0o755) }
    for file in files { _ = try Files.open(file, O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o644) }
  }
}
