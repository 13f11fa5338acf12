import LinuxArchive
import LinuxSystem
import SystemPackage

/// Why something with an image failed, in words for the person who reads it.
package struct ImageError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// There is no such image.
    case notFound
    /// More than one image is meant.
    case ambiguous
    /// A name that no image can have.
    case invalidReference
    /// An archive that cannot be an image, or must not be believed.
    case invalidArchive
    /// Stacks need it.
    case inUse
    /// The kernel refused.
    case system
  }

  package let kind: Kind
  /// In lower case, without a full stop.
  package let message: String
  /// What to do about it.
  package let hint: String?

  package init(_ kind: Kind, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
  }

  package var description: String { hint.map { "\(message)\n  \($0)" } ?? message }
}

extension ImageError {
  init(_ error: SystemCallError) {
    self.init(.system, error.description)
  }

  /// - Parameter subject: what was being read.
  init(_ error: ArchiveError, _ subject: String) {
    switch error {
    case .system(let error): self.init(error)
    case .entrySystem(_, let error) where error.errno == .notPermitted || error.errno == .permissionDenied:
      self.init(.system, "\(subject): \(error)", hint: "unpacking needs root, for the owners of files")
    case .entrySystem: self.init(.system, "\(subject): \(error)")
    case .malformed, .entry, .limit, .digestMismatch, .sizeMismatch: self.init(.invalidArchive, "\(subject): \(error)")
    }
  }
}

/// Runs system calls whose failure ends an operation on images.
func onDisk<Result: ~Copyable>(_ body: () throws(SystemCallError) -> Result) throws(ImageError) -> Result {
  do throws(SystemCallError) { return try body() } catch { throw ImageError(error) }
}

/// Reads or writes an archive.
func archiving<Result: ~Copyable>(
  _ subject: String, _ body: () throws(ArchiveError) -> Result
) throws(ImageError) -> Result {
  do throws(ArchiveError) { return try body() } catch { throw ImageError(error, subject) }
}
