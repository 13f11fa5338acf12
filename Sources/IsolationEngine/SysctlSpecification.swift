/// A setting of the kernel (sysctl(8)).
package struct SysctlSpecification: Hashable, Sendable {
  /// `net.ipv4.ip_forward`.
  package var key: String
  package var value: String

  package init(key: String, value: String) {
    self.key = key
    self.value = value
  }

  /// The namespaces that have values of settings for themselves.
  package enum Scope: Hashable, Sendable {
    case network, communication, names, users
  }

  private static let ipcSettings: Set<String> = [
    "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
    "kernel.shm_rmid_forced",
  ]

  /// The key with dots, whichever way it was written.
  package var dottedKey: String {
    key.contains("/") ? key.split(separator: "/").joined(separator: ".") : key
  }

  /// Whose the value is; nil for one of the whole machine, which is not a container's to set.
  package var scope: Scope? {
    let key = dottedKey
    guard key.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }), !key.contains("..") else { return nil }
    if Self.ipcSettings.contains(key) || key.hasPrefix("fs.mqueue.") { return .communication }
    if key.hasPrefix("net.") { return .network }
    if key == "kernel.domainname" || key == "kernel.hostname" { return .names }
    return key.hasPrefix("user.") ? .users : nil
  }
}

extension NamespaceSpecification {
  /// Whether a container with these namespaces may make a setting: it is not one of the machine.
  package func contains(_ setting: SysctlSpecification) -> Bool {
    switch setting.scope {
    case .network: network != .host
    case .communication: communication != .host
    case .names: !sharesHostname
    case .users: users != nil
    case nil: false
    }
  }
}
