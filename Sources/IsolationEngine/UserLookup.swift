import Glibc
import LinuxSystem
import SystemPackage

/// Who a container's process is: numbers, looked up in the container's own /etc/passwd and /etc/group.
package struct ContainerUser: Hashable, Sendable {
  package var uid: UInt32
  package var gid: UInt32
  package var supplementaryGroups: [UInt32]
  /// Home directory; `/` when the files do not know the user.
  package var home: String

  /// Why a `user:` cannot be resolved.
  package struct LookupError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
  }

  /// Resolves `user[:group]`: names or numbers (0 to 4294967294), empty for root.
  ///
  /// - Parameters:
  ///   - more: further groups, names or numbers.
  ///   - passwd: the content of /etc/passwd (passwd(5)), empty when there is none.
  ///   - group: the content of /etc/group (group(5)).
  package init(_ text: String, groups more: [String] = [], passwd: String, group: String) throws(LookupError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let userText = parts.first.flatMap { $0.isEmpty ? nil : $0 } ?? "0"
    let users = Self.records(passwd, fields: 6)
    let number = Self.number(userText)
    let record = users.first { $0[0] == userText } ?? users.first { Self.number($0[2]) == number && number != nil }
    if let record, let uid = Self.number(record[2]), let gid = Self.number(record[3]) {
      (self.uid, self.gid, home) = (uid, gid, record[5].isEmpty ? "/" : record[5])
    } else if let number {
      (uid, gid, home) = (number, 0, "/")
    } else {
      throw LookupError(description: "no user \(userText) in the container's /etc/passwd")
    }

    let groups = Self.records(group, fields: 3)
    func identifier(_ name: String) throws(LookupError) -> UInt32 {
      let record = groups.first { $0[0] == name }
      guard let gid = record.flatMap({ Self.number($0[2]) }) ?? Self.number(name) else {
        throw LookupError(description: "no group \(name) in the container's /etc/group")
      }
      return gid
    }
    if parts.count > 1, !parts[1].isEmpty {
      gid = try identifier(parts[1])
      supplementaryGroups = []
    } else {
      let name = record?[0]
      supplementaryGroups = groups.compactMap { fields in
        guard let name, fields.count > 3, fields[3].split(separator: ",").contains(where: { $0 == name }) else {
          return nil
        }
        return Self.number(fields[2])
      }
    }
    for name in more {
      let gid = try identifier(name)
      if !supplementaryGroups.contains(gid) { supplementaryGroups.append(gid) }
    }
  }

  /// A user or group number: digits only, below the reserved 2^32 - 1.
  private static func number(_ text: String) -> UInt32? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), let value = UInt32(text), value != .max
    else {
      return nil
    }
    return value
  }

  private static func records(_ text: String, fields: Int) -> [[String]] {
    text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      return parts.count >= fields ? parts : nil
    }
  }

  /// Reads a user database of the container: a regular file of at most 1 MiB, or nothing. A FIFO or a device in its place
  /// must neither block nor be read.
  static func database(_ path: String, in root: FileDescriptor) throws(SystemCallError) -> String {
    let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
    guard let file = try Files.openIfPresent(path, below: root, [.inRoot, .noMagicLinks], flags) else { return "" }
    guard try Files.status(file.borrowed).st_mode & S_IFMT == S_IFREG else {
      throw SystemCallError("read", on: path, .invalidArgument)
    }
    return String(decoding: try Files.readAll(file.borrowed, limit: 1 << 20, object: path), as: UTF8.self)
  }
}
