import StackModel

/// Makes a `Service` out of its normal node. What the texts in it mean is checked here.
struct ServiceDecoder {
  let member: Node.Member
  let node: Node
  /// The secrets and configs of the stack by their keys, each below the name of its section.
  let objects: [String: [String: Node]]
  /// Of the project, absolute.
  let directory: String
  let report: Report
  var service: Service
  var portMarks: [Mark] = []
  var knownPorts: Set<PortMapping> = []
  var knownTargets: Set<String> = []

  init(_ member: Node.Member, objects: [String: [String: Node]], directory: String, report: Report) {
    self.member = member
    self.objects = objects
    self.directory = directory
    node = member.value
    self.report = report
    service = Service(name: member.key, root: .image(""))
  }

  mutating func decode() {
    decodeRoot()
    decodeProcess()
    decodeFiles()
    decodeNetwork()
    decodeSecurity()
    decodeNamespaces()
    decodeLimits()
    decodeOrder()
    decodeLife()
    ServiceRules(member: member, report: report).check()
    service.labels = StackDecoder.labels(node["labels"])
  }

  /// The path of a value of this service.
  func path(_ key: String) -> String { "services.\(member.key).\(key)" }

  func strings(_ key: String) -> [String] { (node[key]?.items ?? []).compactMap(\.text) }

  func flag(_ key: String) -> Bool { node[key]?.text == "true" }

  // MARK: Root

  private mutating func decodeRoot() {
    let image = node["image"]
    let root = node["rootfs"]
    if let image, let text = image.text {
      if text.isEmpty || text.utf8.contains(where: { $0 <= UInt8(ascii: " ") }) {
        report.refusal(
          image.mark, path("image"), "\"\(text)\" is not the name of an image", hint: "for example alpine:3.20")
      }
      service.root = .image(text)
    }
    if let root, let text = root.text {
      if image != nil {
        report.error(
          root.mark, path("rootfs"), "the service has both image: and rootfs:",
          hint: "keep the one that it should run from")
      }
      service.root = text == "host" ? .host : Self.isArchive(text) ? .archive(text) : .directory(text)
    }
    if image == nil, root == nil { decodeMissingRoot() }
    service.platform = platform
    announcePullPolicy()
  }

  private func decodeMissingRoot() {
    if let build = node.member("build") {
      if !build.value.isWrong {
        report.refusal(
          build.mark, path("build"), "images cannot be built yet, and \"\(member.key)\" names none",
          hint: "build the image with another tool, bring it in with \"stack image load\", and name it with image:")
      }
    } else if let provider = node.member("provider") {
      report.refusal(
        provider.mark, path("provider"), "\"\(member.key)\" has a provider and no image: it cannot be run",
        hint: "run what it provides as a service")
    } else {
      let isSection = KeyTable.top[member.key]?.isCollection ?? false
      report.error(
        member.mark, "services.\(member.key)", "the service \"\(member.key)\" has no image: and no rootfs:",
        hint: isSection
          ? "\(member.key): is a key of the top level; check the indentation"
          : "image: names an image; rootfs: a directory, a tar archive, or host")
    }
  }

  private static func isArchive(_ path: String) -> Bool {
    [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.xz", ".txz", ".tar.bz2"].contains { path.hasSuffix($0) }
  }

  // MARK: Process

  private mutating func decodeProcess() {
    if let command = node["command"], !command.isNull { service.command = command.items.compactMap(\.text) }
    if let entrypoint = node["entrypoint"], !entrypoint.isNull {
      service.entrypoint = entrypoint.items.compactMap(\.text)
    }
    // A name that is empty has been reported.
    for variable in node["environment"]?.members ?? [] where !variable.key.isEmpty {
      if variable.key.utf8.contains(where: { $0 <= UInt8(ascii: " ") || $0 == UInt8(ascii: "=") }) {
        report.refusal(
          variable.mark, path("environment"), "\"\(variable.key)\" is not the name of a variable",
          hint: "no blanks stand before or after the =")
      } else if let value = variable.value.text {
        service.environment.append(EnvironmentVariable(variable.key, value))
      }
    }
    service.workingDirectory = node["working_dir"]?.text
    if let directory = node["working_dir"], let text = directory.text, !FilePath.isAbsolute(text) {
      report.refusal(
        directory.mark, path("working_dir"), "working_dir \"\(text)\" must be an absolute path", hint: "write /\(text)")
    }
    service.user = node["user"]?.text
    decodeHostname()
    service.containerName = node["container_name"]?.text
    if let name = node["container_name"], let text = name.text, text.utf8.count < 2 || !Self.isContainerName(text) {
      report.error(
        name.mark, path("container_name"), "\"\(text)\" is not a container name",
        hint: "two or more letters, digits, '_', '.' and '-', the first a letter or digit")
    }
    service.usesInit = flag("init")
    service.hasTerminal = flag("tty")
    service.keepsStandardInput = flag("stdin_open") ? true : nil
    service.supplementaryGroups = node["group_add"].map { _ in strings("group_add") }
    service.domainName = node["domainname"]?.text
    decodeStop()
  }

  private static func isContainerName(_ name: String) -> Bool {
    NameRule.resource.allows(name)
      && name.utf8.first.map { Template.isNamePart($0) && $0 != UInt8(ascii: "_") } ?? false
  }

  /// RFC 1123, section 2.1, and sethostname(2)'s limit.
  private mutating func decodeHostname() {
    guard let hostname = node["hostname"], let text = hostname.text else { return }
    service.hostname = text
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    let isValid =
      text.utf8.count <= 64
      && labels.allSatisfy { label in
        !label.isEmpty && label.utf8.count <= 63 && label.first != "-" && label.last != "-"
          && label.utf8.allSatisfy { Template.isNamePart($0) || $0 == UInt8(ascii: "-") }
      }
    if !isValid {
      report.refusal(
        hostname.mark, path("hostname"), "\"\(text)\" is not a host name",
        hint: "letters, digits, '-' and '.', at most 64 of them")
    }
  }

  private mutating func decodeStop() {
    if let signal = node["stop_signal"], let text = signal.text {
      service.stopSignal = text
      if !StopSignal.isKnown(text) {
        report.refusal(
          signal.mark, path("stop_signal"), "there is no signal \"\(text)\"",
          hint: report.suggestion(for: StopSignal.bare(text), among: StopSignal.names, write: { "SIG\($0)" }))
      }
    }
    service.stopGracePeriod = node["stop_grace_period"]?.text.flatMap(DurationText.parse)
  }

  // MARK: Order

  private mutating func decodeOrder() {
    for dependency in node["depends_on"]?.members ?? [] {
      let condition = dependency.value["condition"]?.text.flatMap(Dependency.Condition.init(rawValue:)) ?? .started
      service.dependencies.append(
        Dependency(
          service: dependency.key, condition: condition, isRequired: dependency.value["required"]?.text != "false",
          restarts: dependency.value["restart"]?.text == "true"))
    }
    guard let restart = node["restart"], let text = restart.text else { return }
    let (name, count) = Canonicalizer.split(text, at: UInt8(ascii: ":"))
    switch (name, count) {
    case ("no", nil), ("", nil): service.restart = .no
    case ("always", nil): service.restart = .always
    case ("unless-stopped", nil): service.restart = .unlessStopped
    case ("on-failure", nil): service.restart = .onFailure(maximum: nil)
    case ("on-failure", .some(let count)) where Int(count).map { $0 >= 0 } ?? false:
      // 0 is no limit, as in docker.
      service.restart = .onFailure(maximum: Int(count).flatMap { $0 == 0 ? nil : $0 })
    default:
      report.refusal(
        restart.mark, path("restart"), "\"\(text)\" is not a restart policy",
        hint: report.suggestion(for: text, among: ["no", "always", "on-failure", "unless-stopped"])
          ?? "no, always, on-failure, on-failure:COUNT, or unless-stopped")
    }
  }
}
