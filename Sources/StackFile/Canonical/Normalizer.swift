/// Makes a canonical document complete: names, absolute paths, the variables of `env_file`, the default network.
struct Normalizer {
  let project: ProjectEnvironment
  let directory: String
  let read: StackFileLoader.Read
  let report: Report

  private var home: String? { project.variables["HOME"] }

  init(project: ProjectEnvironment, directory: String, read: @escaping StackFileLoader.Read, report: Report) {
    self.project = project
    self.directory = directory
    self.read = read
    self.report = report
  }

  func normalize(_ document: Node, source: UInt16) -> Node {
    let name = project.finalName(file: document["name"], source: source, report: report)
    var services: [Node.Member] = []
    for member in document["services"]?.members ?? [] {
      services.append(member.value.isNull ? member : Node.Member(member.key, at: member.mark, service(member)))
    }
    if services.isEmpty, report.errorCount == 0 {
      report.warning(
        .start(of: source), nil, "the file has no services", hint: "services stand below services:, each under its name"
      )
    }
    var result = Node(.mapping([]), at: document.mark)
    result.set("name", Node(text: name, at: document["name"]?.mark ?? document.mark))
    result.set("services", Node(.mapping(services), at: document["services"]?.mark ?? document.mark))
    result.set("networks", resources(networks(document["networks"], services), project: name, mark: document.mark))
    result.set("volumes", resources(document["volumes"]?.members ?? [], project: name, mark: document.mark))
    for member in document.members where member.key != "version" && result[member.key] == nil {
      result.set(member.key, member.value)
    }
    return result
  }

  // MARK: Networks and volumes

  /// The declared ones, and `default` before them when a service uses it and the file does not declare it.
  private func networks(_ declared: Node?, _ services: [Node.Member]) -> [Node.Member] {
    let declared = declared?.members ?? []
    guard !declared.contains(where: { $0.key == "default" }),
      let user = services.first(where: { $0.value["networks"]?.member("default") != nil })
    else { return declared }
    return [Node.Member("default", at: user.mark, Node(.mapping([]), at: user.mark))] + declared
  }

  private func resources(_ members: [Node.Member], project: String, mark: Mark) -> Node {
    let named = members.map { member -> Node.Member in
      var value = member.value.isNull ? Node(.mapping([]), at: member.mark) : member.value
      takeExternalName(&value, of: member)
      let isExternal = value["external"]?.text == "true"
      if value["name"] == nil {
        value.set("name", Node(text: isExternal ? member.key : "\(project)_\(member.key)", at: member.mark))
      }
      return Node.Member(member.key, at: member.mark, value)
    }
    return Node(.mapping(named), at: mark)
  }

  /// `external: {name: N}` is the old way to write `external: true` with `name: N`.
  private func takeExternalName(_ value: inout Node, of member: Node.Member) {
    guard let external = value["external"] else { return }
    if external.text == "false" {
      value.remove("external")
      return
    }
    if let old = external["name"] {
      if let name = value["name"], name.text != old.text {
        report.error(old.mark, nil, "\(member.key) has two names: name: and external: name:", hint: "keep only name:")
      }
      value.set("name", old)
    }
    value.set("external", Node(true, at: external.mark))
  }

  // MARK: Services

  private func service(_ member: Node.Member) -> Node {
    var service = member.value
    resolvePaths(&service)
    takeEnvironment(&service, of: member)
    if let mode = service["network_mode"]?.text {
      if mode.hasPrefix("service:") { depend(&service, on: String(mode.dropFirst(8))) }
    } else if service["networks"]?.members.isEmpty ?? true {
      let attachment = Node.Member("default", at: member.mark, .null(at: member.mark))
      service.set("networks", Node(.mapping([attachment]), at: member.mark))
    }
    return service
  }

  private func absolute(_ node: Node) -> Node {
    Node(text: FilePath.resolve(node.text ?? "", in: directory, home: home), at: node.mark)
  }

  private func resolvePaths(_ service: inout Node) {
    if let root = service["rootfs"], root.text != "host" { service.set("rootfs", absolute(root)) }
    if let seccomp = service["seccomp"], let text = seccomp.text, text != "default", text != "unconfined" {
      service.set("seccomp", absolute(seccomp))
    }
    guard let volumes = service["volumes"] else { return }
    let resolved = volumes.items.map { item -> Node in
      var item = item
      if item["type"]?.text == "bind", let source = item["source"] { item.set("source", absolute(source)) }
      if let target = item["target"], let text = target.text {
        item.set("target", Node(text: FilePath.clean(text), at: target.mark))
      }
      return item
    }
    service.set("volumes", Node(.sequence(resolved), at: volumes.mark))
  }

  private func depend(_ service: inout Node, on name: String) {
    guard let mark = service["network_mode"]?.mark, service["depends_on"]?.member(name) == nil else { return }
    var dependencies = service["depends_on"] ?? Node(.mapping([]), at: mark)
    var dependency = Canonicalizer.mapping([("condition", "service_started")], at: mark)
    dependency.set("restart", Node(true, at: mark))
    dependency.set("required", Node(true, at: mark))
    dependencies.set(name, dependency)
    service.set("depends_on", dependencies)
  }

  // MARK: Variables

  /// Files first, in their order, then `environment`; a name without a value takes the caller's.
  private func takeEnvironment(_ service: inout Node, of member: Node.Member) {
    let own = service["environment"]
    guard own != nil || service["env_file"] != nil else { return }
    var merged: [Node.Member] = []
    var index: [String: Int] = [:]
    func put(_ name: String, _ value: Node, at mark: Mark) {
      if let known = index[name] {
        merged[known] = Node.Member(name, at: mark, value)
      } else {
        index[name] = merged.count
        merged.append(Node.Member(name, at: mark, value))
      }
    }
    for (position, file) in (service["env_file"]?.items ?? []).enumerated() {
      let path = "services.\(member.key).env_file[\(position)]"
      let known = { name in index[name].flatMap { merged[$0].value.text } }
      for variable in variables(of: file, path: path, known: known) where !variable.name.isEmpty {
        put(variable.name, Node(text: variable.value, at: file.mark), at: file.mark)
      }
    }
    for variable in own?.members ?? [] {
      let value = variable.value.isNull ? inherited(variable) : variable.value
      put(variable.key, value, at: variable.mark)
    }
    service.remove("env_file")
    service.set("environment", Node(.mapping(merged), at: own?.mark ?? member.mark))
  }

  private func inherited(_ variable: Node.Member) -> Node {
    project.variables[variable.key].map { Node(text: $0, at: variable.mark) } ?? .null(at: variable.mark)
  }

  private func variables(
    of file: Node, path: String, known: @escaping (String) -> String?
  ) -> [EnvironmentFile.Variable] {
    guard let pathNode = file["path"], let name = pathNode.text else { return [] }
    switch read(FilePath.resolve(name, in: directory, home: home)) {
    case .success(let bytes):
      if file["format"]?.text == "raw" { return EnvironmentFile.raw(bytes) }
      let variables = project.variables
      return ProjectEnvironment.variables(
        of: bytes, name: name, report: report, lookup: { variables[$0] ?? known($0) })
    case .failure(.notFound) where file["required"]?.text == "false": return []
    case .failure(let error):
      report.error(
        pathNode.mark, path, "cannot read the env_file \"\(name)\": \(error.reason)",
        hint: error == .notFound ? "create it, or write {path: \(name), required: false}" : nil)
      return []
    }
  }
}
