import StackModel

/// Readiness, restarts, hooks and the number of containers.
extension ServiceDecoder {
  mutating func decodeLife() {
    service.healthCheck = healthCheck
    decodeReady()
    decodeRestartPolicy()
    service.postStart = hooks("post_start")
    service.preStop = hooks("pre_stop")
    if node["attach"]?.text == "false" { service.isAttached = false }
    service.dnsSearch = node["dns_search"].map { _ in strings("dns_search") }
    service.dnsOptions = node["dns_opt"].map { _ in strings("dns_opt") }
    service.preStart = initSteps()
    decodeLogging()
  }

  // MARK: Readiness

  private var healthCheck: HealthCheck? {
    guard let node = node["healthcheck"] else { return nil }
    var check = timings(node)
    let items = node["test"]?.items ?? []
    // A word that is wrong was reported.
    if items.contains(where: \.isWrong) { return check }
    let words = items.compactMap(\.text)
    switch words.first {
    case nil: break
    case "NONE": check.isDisabled = true
    case "CMD" where words.count > 1: check.probe = .command(Array(words.dropFirst()))
    case "CMD-SHELL" where words.count == 2: check.probe = .shell(words[1])
    case "CMD-SHELL" where words.count > 2:
      report.refusal(
        node["test"]?.mark ?? node.mark, path("healthcheck.test"),
        "CMD-SHELL takes one text, the line for the shell; these are \(words.count - 1)",
        hint: "write [CMD, \(words.dropFirst().joined(separator: ", "))]")
    default:
      report.refusal(
        node["test"]?.mark ?? node.mark, path("healthcheck.test"), "\"\(words.joined(separator: " "))\" is not a test",
        hint: "[CMD, PROGRAM, ARGUMENT, …], [CMD-SHELL, LINE], [NONE], or text for the shell")
    }
    if node["disable"]?.text == "true" { check.isDisabled = true }
    return check
  }

  private func timings(_ node: Node) -> HealthCheck {
    func time(_ key: String) -> UInt64? { node[key]?.text.flatMap(DurationText.parse) }
    var check = HealthCheck()
    // 0 is the default, as in Docker's image format.
    check.interval = time("interval").flatMap { $0 == 0 ? nil : $0 }
    check.timeout = time("timeout").flatMap { $0 == 0 ? nil : $0 }
    check.startPeriod = time("start_period")
    check.startInterval = time("start_interval").flatMap { $0 == 0 ? nil : $0 }
    check.retries = node["retries"]?.text.flatMap { Int($0) }.flatMap { $0 == 0 ? nil : $0 }
    return check
  }

  private mutating func decodeReady() {
    guard let member = node.member("ready"), !member.value.isNull else { return }
    if service.healthCheck != nil {
      report.error(
        member.mark, path("ready"), "the service has both healthcheck: and ready:",
        hint: "keep one of the two: a ready service is a healthy one")
    }
    let ready = member.value
    let probes = ["tcp", "http", "log", "file", "exec"].compactMap { ready.member($0) }
    guard probes.count == 1, let probe = probes.first else {
      if ready.members.contains(where: \.value.isWrong) { return }
      report.error(
        probes.dropFirst().first?.mark ?? member.mark, path("ready"),
        probes.isEmpty ? "ready: does not say what to look at" : "ready: looks at two things",
        hint: "write one of tcp, http, log, file and exec")
      return
    }
    var check = timings(ready)
    check.probe = self.probe(probe)
    service.healthCheck = check
  }

  private func probe(_ member: Node.Member) -> HealthCheck.Probe? {
    let value = member.value
    switch member.key {
    case "tcp": return value.text.flatMap { UInt16($0) }.map { .tcp(port: $0) }
    case "http": return http(value).map { .http($0) }
    case "log": return value.text.map { .log(pattern: $0) }
    case "file":
      guard let text = value.text else { return nil }
      if !FilePath.isAbsolute(text) {
        report.error(
          value.mark, path("ready.file"), "\"\(text)\" must be an absolute path", hint: "write /\(text)")
      }
      return .file(path: text)
    default:
      let words = value.items.compactMap(\.text)
      if words.isEmpty { report.error(member.mark, path("ready.exec"), "the command is empty") }
      return .command(words)
    }
  }

  private func http(_ node: Node) -> HTTPProbe? {
    if let text = node.text {
      let bare = text.hasPrefix(":") ? text.dropFirst() : text[...]
      let slash = bare.firstIndex(of: "/") ?? bare.endIndex
      guard let port = UInt16(bare[..<slash]), port > 0 else {
        report.error(
          node.mark, path("ready.http"), "\"\(text)\" is not [:]PORT[/PATH]", hint: "for example :8080/health")
        return nil
      }
      return HTTPProbe(port: port, path: slash == bare.endIndex ? "/" : String(bare[slash...]))
    }
    guard let port = node["port"]?.text.flatMap({ UInt16($0) }) else { return nil }
    let target = node["path"]?.text ?? "/"
    var probe = HTTPProbe(
      port: port, path: target.hasPrefix("/") ? target : "/" + target, status: node["status"]?.text.flatMap { Int($0) })
    probe.headers = variables(node["header"])
    return probe
  }

  private func variables(_ node: Node?) -> [EnvironmentVariable] {
    (node?.members ?? []).compactMap { member in member.value.text.map { EnvironmentVariable(member.key, $0) } }
  }

  // MARK: Restarts, hooks, replicas

  /// Wins over `restart`, as it does in docker compose.
  private mutating func decodeRestartPolicy() {
    guard let policy = node["deploy"]?["restart_policy"], !policy.isNull else { return }
    let attempts = policy["max_attempts"]?.text.flatMap { Int($0) }.flatMap { $0 == 0 ? nil : $0 }
    switch policy["condition"]?.text {
    case "none": service.restart = .no
    case "on-failure": service.restart = .onFailure(maximum: attempts)
    case nil, "any", "": service.restart = .always
    case .some(let other):
      report.refusal(
        policy["condition"]?.mark ?? policy.mark, path("deploy.restart_policy.condition"),
        "\"\(other)\" is not a condition", hint: "none, on-failure, or any")
    }
    service.restartTiming = RestartTiming(
      delay: policy["delay"]?.text.flatMap(DurationText.parse), maximumAttempts: attempts,
      window: policy["window"]?.text.flatMap(DurationText.parse))
  }

  private func hooks(_ key: String) -> [LifecycleHook]? {
    guard let list = node[key], !list.items.isEmpty else { return nil }
    return list.items.map { item in
      var hook = LifecycleHook(command: (item["command"]?.items ?? []).compactMap(\.text))
      hook.user = item["user"]?.text
      hook.isPrivileged = item["privileged"]?.text == "true"
      hook.workingDirectory = item["working_dir"]?.text
      hook.environment = variables(item["environment"])
      return hook
    }
  }

  private func initSteps() -> [InitStep]? {
    guard let list = node["pre_start"], !list.items.isEmpty else { return nil }
    return list.items.map { item in
      var step = InitStep(command: item["command"].map { $0.items.compactMap(\.text) })
      step.image = item["image"]?.text
      step.user = item["user"]?.text
      step.workingDirectory = item["working_dir"]?.text
      step.environment = variables(item["environment"])
      step.isPrivileged = item["privileged"]?.text == "true"
      step.isPerReplica = item["per_replica"]?.text == "true"
      return step
    }
  }

  // MARK: Output

  private static let localDrivers: Set<String> = ["json-file", "local", "journald", "none", ""]

  private mutating func decodeLogging() {
    guard let node = node["logging"], case .mapping = node.content else { return }
    let driver = node["driver"]?.text ?? ""
    var logging = Logging()
    logging.isKept = driver != "none"
    if !Self.localDrivers.contains(driver) {
      report.inert(
        kind: "logging driver \(driver)", node["driver"]?.mark ?? node.mark, path("logging.driver"),
        "the log goes to the state directory, not to \(driver)")
    }
    for option in node["options"]?.members ?? [] {
      let text = option.value.text ?? ""
      switch option.key {
      case "max-size":
        logging.maximumSize = text == "-1" ? nil : ByteSize.parse(text)
        if text != "-1", logging.maximumSize ?? 0 == 0 {
          expected("a size such as 10m, or -1", option.value, option.key)
        }
      case "max-file":
        logging.maximumFiles = Int(text)
        if logging.maximumFiles ?? 0 < 1 { expected("a number of files, at least 1", option.value, option.key) }
      default:
        guard Self.localDrivers.contains(driver) else { continue }
        report.inert(
          kind: "logging option \(option.key)", option.value.mark, path("logging.options.\(option.key)"),
          "the logging option \(option.key) is accepted, but not acted on")
      }
    }
    service.logging = logging
  }

  private mutating func expected(_ what: String, _ value: Node, _ option: String) {
    report.error(value.mark, path("logging.options.\(option)"), "\"\(value.text ?? "")\" is not \(what)")
  }
}
