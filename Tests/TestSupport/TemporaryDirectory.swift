import Glibc
import LinuxSystem

/// A directory that is removed when its owner goes.
package final class TemporaryDirectory {
  /// Absolute.
  package let path: String

  /// Makes it, below `/tmp`.
  package init() throws {
    var template = Array("/tmp/stack-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp", .latest) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // As /tmp's own entries are: so that what is in it can be looked at by others.
    chmod(path, 0o755)
  }

  deinit {
    try? Files.removeTree(path)
  }

  /// The path of a name in it.
  package func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file in it.
  /// - Returns: its path.
  @discardableResult
  package func write(_ bytes: [UInt8], to name: String) throws -> String {
    let file = try Files.open(self(name), O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    try Files.writeAll(file.borrowed, bytes)
    return self(name)
  }
}

/// Calls `body` with the path of a new empty directory, which is removed afterwards with all that is in it.
package func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  let directory = try TemporaryDirectory()
  defer { withExtendedLifetime(directory) {} }
  return try body(directory.path)
}
