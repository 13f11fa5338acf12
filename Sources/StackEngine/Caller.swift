import Glibc
import IsolationEngine
import LinuxSystem
import StackModel

/// Who called the command, and what its environment says about isolation.
package struct Caller: Hashable, Sendable {
  /// Who called sudo(8); nil when nobody did.
  let user: FileOwner?
  private let userNamespaces: String?

  package init(environment: [String: String]) {
    userNamespaces = environment["STACK_USERNS"].flatMap { $0.isEmpty ? nil : $0 }
    if let uid = environment["SUDO_UID"].flatMap({ UInt32($0) }), uid != 0,
      let gid = environment["SUDO_GID"].flatMap({ UInt32($0) })
    {
      user = FileOwner(uid: uid, gid: gid)
    } else {
      user = nil
    }
  }

  /// `STACK_USERNS`: for services that do not say it themselves.
  var userNamespaceMode: UserNamespaceMode {
    get throws(EngineError) {
      switch userNamespaces {
      case nil, "auto": return .auto
      case "host": return .host
      case let other?: throw EngineError(.usage, "STACK_USERNS is auto or host, not \(other)")
      }
    }
  }

  /// To whom the files of a bind mount go; nil leaves them as they are.
  ///
  /// - Parameter asked: whether the file says so; nil is the default: with sudo, what is the caller's own stays so.
  func owner(of path: String, asked: Bool?) -> FileOwner? {
    guard let user, asked != false else { return nil }
    if asked == true { return user }
    // Best effort: what is not there is refused elsewhere.
    guard let status = try? Files.status(path), status.st_uid == user.uid else { return nil }
    return user
  }
}
