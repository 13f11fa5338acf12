/// What a service means without saying it.
struct ServiceDefaults {
  let environment: ProjectEnvironment

  /// What docker compose fills in without its step of normalization too (`config --no-normalize`).
  static func fill(_ service: inout Node) {
    service.update("depends_on") { $0.updateMembers { _, dependency in Self.set("required", true, in: &dependency) } }
    service.update("env_file") { $0.updateItems { Self.set("required", true, in: &$0) } }
    service.update("secrets") { secrets in
      secrets.updateItems { secret in
        if let source = secret["source"], secret["target"] == nil {
          secret.set("target", Node(text: "/run/secrets/\(source.text ?? "")", at: source.mark))
        }
      }
    }
    service.update("gpus", Self.countDevices)
    service.update("deploy") { deploy in
      deploy.update("resources") { $0.update("reservations") { $0.update("devices", Self.countDevices) } }
    }
  }

  func apply(to service: inout Node) {
    applyImage(to: &service)
    imply(&service)
    service.update("volumes") { volumes in
      volumes.updateItems { volume in volume.update("target") { Self.clean(&$0) } }
    }
    service.update("extra_hosts", Self.sort)
  }

  private static func set(_ key: String, _ flag: Bool, in node: inout Node) {
    if case .mapping = node.content, node[key] == nil { node.set(key, Node(flag, at: node.mark)) }
  }

  private static func clean(_ path: inout Node) {
    guard let text = path.text else { return }
    path.content = .scalar(FilePath.clean(text), .text)
  }

  private static func sort(_ hosts: inout Node) {
    guard case .sequence(let items) = hosts.content else { return }
    hosts.content = .sequence(items.sorted { ($0.text ?? "") < ($1.text ?? "") })
  }

  private static func countDevices(_ devices: inout Node) {
    devices.updateItems { device in
      guard device["count"] == nil, device["device_ids"] == nil else { return }
      device.set("count", Node(integer: -1, at: device.mark))
    }
  }

  private func applyImage(to service: inout Node) {
    service.update("pull_policy") { policy in
      if policy.text == "if_not_present" { policy.content = .scalar("missing", .text) }
    }
    service.update("build") { build in
      guard case .mapping = build.content else { return }
      if build["dockerfile"] == nil, build["dockerfile_inline"] == nil {
        build.set("dockerfile", Node(text: "Dockerfile", at: build.mark))
      }
      build.update("args") { arguments in
        arguments.content = .mapping(arguments.members.compactMap(argument))
      }
      build.update("extra_hosts", Self.sort)
    }
    if let image = service["image"] {
      service.update("pre_start") { steps in
        steps.updateItems { step in if step["image"] == nil { step.set("image", image) } }
      }
    }
  }

  /// An argument without a value takes the caller's, or is not there.
  private func argument(_ member: Node.Member) -> Node.Member? {
    guard member.value.isNull, !member.value.isWrong else { return member }
    return environment.variables[member.key].map {
      Node.Member(member.key, at: member.mark, Node(text: $0, at: member.mark))
    }
  }

  // MARK: Implied dependencies

  private func imply(_ service: inout Node) {
    for link in service["links"]?.items ?? [] {
      if let text = link.text { depend(&service, on: Self.name(text), restart: true, at: link.mark) }
    }
    for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
      guard let namespace = service[key], let text = namespace.text, text.hasPrefix("service:") else { continue }
      depend(&service, on: String(text.dropFirst(8)), restart: true, at: namespace.mark)
    }
    for volumes in service["volumes_from"]?.items ?? [] {
      guard let text = volumes.text, !text.hasPrefix("container:") else { continue }
      depend(&service, on: Self.name(text), restart: false, at: volumes.mark)
    }
  }

  /// Before the first colon.
  private static func name(_ text: String) -> String { Canonicalizer.split(text, at: UInt8(ascii: ":")).0 }

  private func depend(_ service: inout Node, on name: String, restart: Bool, at mark: Mark) {
    guard !name.isEmpty, service["depends_on"]?.member(name) == nil else { return }
    var dependencies = service["depends_on"] ?? Node(.mapping([]), at: mark)
    guard case .mapping = dependencies.content else { return }
    var dependency = Canonicalizer.mapping([("condition", "service_started")], at: mark)
    if restart { dependency.set("restart", Node(true, at: mark)) }
    dependency.set("required", Node(true, at: mark))
    dependencies.set(name, dependency)
    service.set("depends_on", dependencies)
  }
}
