import Glibc
import SystemPackage

/// A lock among processes (flock(2)): gone when its holder is, whatever became of it.
package final class FileLock {
  private let file: OwnedDescriptor

  /// The open file that is locked: a process that gets it holds the lock too (flock(2)).
  package var descriptor: FileDescriptor { file.borrowed }

  /// Takes the lock of the file at `path`, which is made if need be.
  /// - Parameter wait: whether to wait for another holder; without it a held lock is `EWOULDBLOCK`.
  ///
  /// The holder may remove the file: who waited for it then takes the one that is at the path by now.
  package init(_ path: String, wait: Bool = true) throws(SystemCallError) {
    while true {
      let opened = try Files.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
      let descriptor = opened.borrowed.rawValue
      let outcome = retrying { Int(flock(descriptor, wait ? LOCK_EX : LOCK_EX | LOCK_NB)) }
      _ = try outcome.read(or: "flock", on: path)
      if try Files.status(opened.borrowed).st_nlink > 0 {
        file = opened
        return
      }
    }
  }
}

/// A lock among processes on a directory (flock(2)).
package final class DirectoryLock {
  private let directory: OwnedDescriptor

  /// The open directory that is locked: a process that gets it holds the lock too (flock(2)).
  package var descriptor: FileDescriptor { directory.borrowed }

  package init(_ path: String) throws(SystemCallError) {
    let opened = try Files.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    let descriptor = opened.borrowed.rawValue
    _ = try retrying { Int(flock(descriptor, LOCK_EX)) }.read(or: "flock", on: path)
    directory = opened
  }
}
