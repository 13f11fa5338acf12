/// Makes a complete document say everything: the services of the active profiles, names, defaults, implied dependencies,
/// the variables and labels of files.
struct Normalizer {
  let context: LoadContext
  let environment: ProjectEnvironment
  /// Of the project.
  let name: String
  let directory: String

  private var report: Report { context.report }
  private var phases: LoadRequest.Phases { context.request.phases }

  /// Takes the document apart and puts its parts, changed in their places, together again.
  func normalize(_ document: inout Node) {
    let mark = document.mark
    let isEmpty = document["services"]?.members.isEmpty ?? true
    var services = document.take("services") ?? Node(.mapping([]), at: mark)
    select(&services)
    let volumes = Set((document["volumes"]?.members ?? []).map(\.key))
    services.updateMembers { name, service in
      guard case .mapping = service.content else { return }
      self.service(&service, named: name)
      service.update("volumes") { Self.joinDrives(&$0, volumes) }
    }
    if isEmpty, report.errorCount == 0 {
      report.warning(
        .start(of: mark.source), nil, "the file has no services",
        hint: "services stand below services:, each under its name")
    }
    var result = Node(.mapping([]), at: mark)
    result.set("name", Node(text: name, at: document["name"]?.mark ?? mark))
    let networks = networks(document["networks"], services.members)
    result.set("services", services)
    result.set("networks", resources(networks, mark: mark))
    for section in ["volumes", "secrets", "configs"] {
      result.set(section, resources(document[section]?.members ?? [], mark: mark))
    }
    for member in document.members where member.key != "version" && result[member.key] == nil {
      result.set(member.key, member.value)
    }
    document = result
  }

  private func select(_ services: inout Node) {
    let selection = ProfileSelection(context: context, environment: environment)
    guard services.members.contains(where: { $0.value["profiles"] != nil }) else { return }
    services.content = .mapping(selection.active(services.members))
  }

  /// Names of services that are there, but not part of the stack.
  func disabled(in document: Node) -> Set<String> {
    let all = document["services"]?.members ?? []
    let active = ProfileSelection(context: context, environment: environment).active(all)
    return Set(all.map(\.key)).subtracting(active.map(\.key))
  }

  func profiles(of document: Node) -> [String] {
    var seen: Set<String> = []
    return (document["services"]?.members ?? []).flatMap { ($0.value["profiles"]?.items ?? []).compactMap(\.text) }
      .filter { seen.insert($0).inserted }
  }

  // MARK: Networks, volumes, secrets, configs

  /// The declared ones, and `default` before them when a service uses it and the file does not declare it.
  private func networks(_ declared: Node?, _ services: [Node.Member]) -> [Node.Member] {
    let declared = declared?.members ?? []
    guard phases.normalizes, !declared.contains(where: { $0.key == "default" }),
      let user = services.first(where: { $0.value["networks"]?.member("default") != nil })
    else { return declared }
    return [Node.Member("default", at: user.mark, Node(.mapping([]), at: user.mark))] + declared
  }

  private func resources(_ members: [Node.Member], mark: Mark) -> Node {
    let named = members.map { member -> Node.Member in
      if member.value.isWrong { return member }
      var value = member.value.isNull ? Node(.mapping([]), at: member.mark) : member.value
      takeExternalName(&value, of: member)
      if phases.normalizes, value["name"] == nil {
        let isExternal = value["external"]?.text == "true"
        value.set("name", Node(text: isExternal ? member.key : "\(name)_\(member.key)", at: member.mark))
      }
      return Node.Member(member.key, at: member.mark, value)
    }
    return Node(.mapping(named), at: mark)
  }

  /// `external: {name: N}` is the old way to write `external: true` with `name: N`.
  private func takeExternalName(_ value: inout Node, of member: Node.Member) {
    guard let external = value["external"], case .mapping = external.content else { return }
    if let old = external["name"] {
      if let name = value["name"], name.text != old.text {
        report.error(old.mark, nil, "\(member.key) has two names: name: and external: name:", hint: "keep only name:")
      }
      value.set("name", old)
    }
    value.set("external", Node(true, at: external.mark))
  }

  // MARK: Services

  /// `c:/data` is a path of Windows, as docker compose takes it, unless there is a volume `c`.
  private static func joinDrives(_ volumes: inout Node, _ known: Set<String>) {
    volumes.updateItems { volume in
      guard volume["type"]?.text == "volume", let source = volume["source"]?.text, source.utf8.count == 1,
        !known.contains(source), let target = volume["target"], let path = target.text
      else { return }
      volume.remove("source")
      volume.set("target", Node(text: "\(source):\(path)", at: target.mark))
    }
  }

  private func service(_ service: inout Node, named name: String) {
    let mark = service.mark
    if phases.resolvesEnvironment {
      ServiceFiles(context: context, environment: environment, directory: directory).take(into: &service, named: name)
    }
    service.update("gpus", Self.requestAll)
    if phases.checks { Self.scale(&service) }
    ServiceDefaults.fill(&service)
    guard phases.normalizes else { return }
    ServiceDefaults(environment: environment).apply(to: &service)
    if service["network_mode"] == nil, service["provider"] == nil, service["networks"]?.members.isEmpty ?? true {
      service.set("networks", Node(.mapping([Node.Member("default", at: mark, .null(at: mark))]), at: mark))
    }
  }

  /// `all` is text until here, so that what is laid over it takes its place.
  private static func requestAll(_ devices: inout Node) {
    guard devices.text == "all" else { return }
    let all = Node.Member("count", at: devices.mark, Node(integer: -1, at: devices.mark))
    devices.content = .sequence([Node(.mapping([all]), at: devices.mark)])
  }

  /// Of a service with `deploy` the number of containers stands there too; docker compose does that where it checks that both
  /// are the same.
  private static func scale(_ service: inout Node) {
    guard let scale = service["scale"], scale.text != nil else { return }
    service.update("deploy") { deploy in
      if case .mapping = deploy.content, deploy["replicas"] == nil { deploy.set("replicas", scale) }
    }
  }
}
