import LinuxSystem

/// Why an archive could not be read, written, or put on the disk.
package enum ArchiveError: Error, Hashable, Sendable {
  /// The bytes are not what they should be: the reason in libarchive's words or ours.
  case malformed(String)
  /// One entry of a tar is not acceptable: its name, and why.
  case entry(String, reason: String)
  /// More than this program lets an archive take: of what.
  case limit(String)
  case digestMismatch(expected: Digest, actual: Digest)
  case sizeMismatch(expected: UInt64, actual: UInt64)
  case system(SystemCallError)
  /// A system call failed for one entry of a tar.
  case entrySystem(String, SystemCallError)
}

extension ArchiveError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .malformed(let reason): "damaged archive: \(reason)"
    case .entry(let name, let reason): "entry \"\(name)\": \(reason)"
    case .limit(let what): "the archive is too large: \(what)"
    case .digestMismatch(let expected, let actual):
      "content does not match its digest: expected \(expected), got \(actual)"
    case .sizeMismatch(let expected, let actual):
      "content does not match its size: expected \(expected) bytes, got \(actual)"
    case .system(let error): error.description
    case .entrySystem(let name, let error): "entry \"\(name)\": \(error)"
    }
  }
}

/// Runs calls whose failure belongs to no entry.
func onDisk<Result: ~Copyable>(
  _ body: () throws(SystemCallError) -> Result
) throws(ArchiveError) -> Result {
  do throws(SystemCallError) { return try body() } catch { throw .system(error) }
}
