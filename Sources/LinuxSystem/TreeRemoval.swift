import Glibc
import SystemPackage

extension Files {
  /// Removes a file or a whole tree without following links. Absent is success.
  package static func removeTree(_ path: String, in directory: FileDescriptor? = nil) throws(SystemCallError) {
    try removeTree(RawName(path), in: directory ?? FileDescriptor(rawValue: AT_FDCWD))
  }

  /// Removes a file or a whole tree without following links. Absent is success.
  package static func removeTree(_ name: RawName, in directory: FileDescriptor) throws(SystemCallError) {
    if try isRemoved(name, in: directory) { return }
    let opened = try open(name, in: directory, O_RDONLY | O_DIRECTORY)
    // Who still writes there may make a file after a list was read: it is read again, not for ever.
    for round in 1... {
      do throws(SystemCallError) {
        try removeContents(of: opened.borrowed)
        return try removeDirectory(name, in: directory)
      } catch {
        guard error.errno == .directoryNotEmpty && round < 5 else { throw error }
      }
    }
  }

  /// Removes all that is in a directory.
  ///
  /// Containers have made what is in there: the names need not be UTF-8, and it may be deeper than there are descriptors. Never
  /// more than three are open: the way back up is `..`, which must lead to where the way down was.
  package static func removeContents(of directory: FileDescriptor) throws(SystemCallError) {
    var above: [Level] = []
    var current = SharedDescriptor(try open(RawName("."), in: directory, O_RDONLY | O_DIRECTORY))
    var pending = try rawNames(of: current.borrowed)
    while true {
      if let name = pending.popLast() {
        if try isRemoved(name, in: current.borrowed) { continue }
        let child = SharedDescriptor(try open(name, in: current.borrowed, O_RDONLY | O_DIRECTORY))
        above.append(Level(status: try status(current.borrowed), pending: pending, child: name))
        current = child
        pending = try rawNames(of: current.borrowed)
      } else if let level = above.popLast() {
        current = SharedDescriptor(try open(RawName(".."), in: current.borrowed, O_RDONLY | O_DIRECTORY))
        guard level.isOpen(try status(current.borrowed)) else {
          throw SystemCallError("rmdir", on: "\(level.child.text), which was moved meanwhile", .noSuchFileOrDirectory)
        }
        try removeDirectory(level.child, in: current.borrowed)
        pending = level.pending
      } else {
        return
      }
    }
  }

  /// A directory above the one whose content is being removed.
  private struct Level {
    let status: stat
    /// Still to be removed in it, after the one below.
    let pending: [RawName]
    let child: RawName

    func isOpen(_ other: stat) -> Bool { other.st_dev == status.st_dev && other.st_ino == status.st_ino }
  }

  /// - Returns: false for a directory that is not empty.
  private static func isRemoved(_ name: RawName, in directory: FileDescriptor) throws(SystemCallError) -> Bool {
    if unsafe unlinkat(directory.rawValue, name.terminated, 0) == 0 || errno == ENOENT { return true }
    if errno != EISDIR { throw SystemCallError("unlink", on: name.text, .latest) }
    if unsafe unlinkat(directory.rawValue, name.terminated, AT_REMOVEDIR) == 0 { return true }
    if errno != ENOTEMPTY && errno != EEXIST { throw SystemCallError("rmdir", on: name.text, .latest) }
    return false
  }

  private static func removeDirectory(_ name: RawName, in directory: FileDescriptor) throws(SystemCallError) {
    let result = unsafe unlinkat(directory.rawValue, name.terminated, AT_REMOVEDIR)
    if result < 0 && errno == ENOENT { return }
    try checkedErrno("rmdir", on: name.text, result)
  }
}
