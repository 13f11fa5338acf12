import Glibc
import LinuxSystem

/// A directory that is removed when its owner goes.
public final class TemporaryDirectory {
  public let path: String

  public init() throws {
    var template = Array("/tmp/stack-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp", .latest) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // As /tmp's own entries are: so that what is in it can be looked at by others.
    chmod(path, 0o755)
  }

  deinit {
    try? Files.removeTree(path)
  }

  public func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  @discardableResult
  public func write(_ bytes: [UInt8], to name: String) throws -> String {
    let file = try Files.open(self(name), O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    try Files.writeAll(file.borrowed, bytes)
    return self(name)
  }
}

/// Calls `body` with the path of a new empty directory, which is removed afterwards with all that is in it.
public func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  let directory = try TemporaryDirectory()
  defer { withExtendedLifetime(directory) {} }
  return try body(directory.path)
}
