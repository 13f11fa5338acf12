import StackModel

extension ServiceDecoder {
  mutating func decodeSecurity() {
    service.addedCapabilities = capabilities("cap_add")
    service.droppedCapabilities = capabilities("cap_drop")
    service.isPrivileged = flag("privileged")
    if let seccomp = node["seccomp"]?.text { service.seccomp = self.seccomp(seccomp) }
    for (index, item) in (node["security_opt"]?.items ?? []).enumerated() {
      decodeOption(item, path("security_opt[\(index)]"))
    }
    // A name that is empty has been reported.
    for setting in node["sysctls"]?.members ?? [] where !setting.key.isEmpty {
      service.sysctls[setting.key.replacingSlashes] = setting.value.text ?? ""
    }
    service.oomScoreAdjustment = node["oom_score_adj"]?.text.flatMap { Int($0) }
    decodeUserNamespace()
    decodeOwner()
  }

  private func seccomp(_ text: String) -> SeccompChoice {
    switch text {
    case "default": .default
    case "unconfined": .unconfined
    default: .profile(path: FilePath.resolve(text, in: directory, home: nil))
    }
  }

  /// Upper case without `CAP_`.
  private func capabilities(_ key: String) -> [String] {
    (node[key]?.items ?? []).enumerated().compactMap { index, item in
      guard let text = item.text else { return nil }
      var name = text.uppercased()
      if name.hasPrefix("CAP_") { name.removeFirst(4) }
      if name != "ALL", !CapabilityName.all.contains(name) {
        report.refusal(
          item.mark, path("\(key)[\(index)]"), "there is no capability \"\(text)\"",
          hint: report.suggestion(for: name, among: CapabilityName.all) ?? "the names are those of capabilities(7)")
      }
      return name
    }
  }

  private mutating func decodeOption(_ item: Node, _ path: String) {
    guard let text = item.text else { return }
    let separator = text.utf8.contains(UInt8(ascii: "=")) ? UInt8(ascii: "=") : UInt8(ascii: ":")
    let (name, value) = Canonicalizer.split(text, at: separator)
    switch name {
    case "no-new-privileges":
      if value == nil || value == "true" {
        service.noNewPrivileges = true
      } else if value != "false" {
        report.refusal(item.mark, path, "no-new-privileges is true or false, not \"\(value ?? "")\"")
      }
    case "seccomp":
      guard let value, !value.isEmpty else {
        report.refusal(item.mark, path, "seccomp needs a value", hint: "seccomp=unconfined, or seccomp=FILE")
        return
      }
      if let own = node.member("seccomp") {
        report.error(
          own.mark, self.path("seccomp"), "seccomp is given here and in security_opt:", hint: "keep one of the two")
      }
      service.seccomp = seccomp(value)
    case "apparmor", "label", "systempaths", "writable-cgroups":
      report.inert(kind: "security_opt \(name)", item.mark, path, "\(name) is accepted, but not acted on yet")
    default:
      let known = ["no-new-privileges", "seccomp", "apparmor", "label", "systempaths", "writable-cgroups"]
      report.refusal(
        item.mark, path, "unknown security option \"\(name)\"",
        hint: report.suggestion(for: name, among: known) ?? "known are \(known.joined(separator: ", "))")
    }
  }

  private mutating func decodeUserNamespace() {
    guard let mode = node["userns_mode"], let text = mode.text, !text.isEmpty else { return }
    guard let known = UserNamespaceMode(text) else {
      report.refusal(
        mode.mark, path("userns_mode"), "there is no user namespace mode \"\(text)\"",
        hint: report.suggestion(for: text, among: ["host", "auto", "private"])
          ?? "host, auto, private, or UID:GID:SIZE with the same number for UID and GID")
      return
    }
    service.userNamespace = known
  }

  private mutating func decodeOwner() {
    guard let owner = node.member("x-own")?.value, let text = owner.text else { return }
    switch text {
    case "caller": service.givesFilesToCaller = true
    case "none": service.givesFilesToCaller = false
    default: report.refusal(owner.mark, path("x-own"), "x-own is caller or none, not \"\(text)\"")
    }
  }
}

extension String {
  /// sysctl(8) allows `net/ipv4/ip_forward` for `net.ipv4.ip_forward`.
  fileprivate var replacingSlashes: String { String(map { $0 == "/" ? "." : $0 }) }
}

/// The names of capabilities(7), without `CAP_`.
enum CapabilityName {
  static let all: Set<String> = [
    "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE",
    "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN",
    "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP",
    "SETGID",
    "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT",
    "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
  ]
}
