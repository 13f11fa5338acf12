import Glibc
import LinuxSystem

/// Calls `body` with a new empty directory, and removes it with all that is in it afterwards.
public func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  var template = Array("/tmp/stack-test-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw TemporaryDirectoryError(errno: errno) }
  let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  // Best effort: what a test leaves in /tmp harms nothing.
  defer { try? Files.removeTree(path) }
  return try body(path)
}

/// A directory that could not be made.
public struct TemporaryDirectoryError: Error {
  /// What mkdtemp(3) left.
  public let errno: CInt
}
