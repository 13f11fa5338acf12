/// Takes the variables of `env_file` and the labels of `label_file` into a service.
struct ServiceFiles {
  let context: LoadContext
  let environment: ProjectEnvironment
  let directory: String

  private var report: Report { context.report }

  func take(into service: inout Node, named name: String) {
    takeVariables(&service, name)
    takeLabels(&service, name)
  }

  /// Members by name, later ones in the places of earlier ones.
  private struct Pairs {
    var members: [Node.Member] = []
    private var index: [String: Int] = [:]

    subscript(_ name: String) -> String? { index[name].flatMap { members[$0].value.text } }

    mutating func put(_ name: String, _ value: Node, at mark: Mark) {
      if let known = index[name] {
        members[known] = Node.Member(name, at: mark, value)
      } else {
        index[name] = members.count
        members.append(Node.Member(name, at: mark, value))
      }
    }
  }

  /// Files first, in their order, then `environment`; a name without a value takes the caller's.
  private func takeVariables(_ service: inout Node, _ name: String) {
    guard service["env_file"] != nil else {
      service.update("environment") { variables in
        variables.updateMembers { name, value in
          if case .scalar(_, .null) = value.content, let found = environment.variables[name] {
            value = Node(text: found, at: value.mark)
          }
        }
      }
      return
    }
    let own = service["environment"]
    var pairs = Pairs()
    for (position, file) in (service["env_file"]?.items ?? []).enumerated() {
      let path = "services.\(name).env_file[\(position)]"
      // What the service itself sets counts for references in the variables of its files.
      let outer = EnvironmentFile.Outer(
        winning: { [environment] in environment.variables[$0] ?? own?[$0]?.text }, earlier: { [pairs] in pairs[$0] })
      for variable in variables(of: file, path: path, outer: outer) where !variable.name.isEmpty {
        pairs.put(variable.name, Node(text: variable.value, at: file.mark), at: file.mark)
      }
    }
    for variable in own?.members ?? [] { pairs.put(variable.key, resolved(variable), at: variable.mark) }
    service.remove("env_file")
    service.set("environment", Node(.mapping(pairs.members), at: own?.mark ?? service.mark))
  }

  private func resolved(_ variable: Node.Member) -> Node {
    guard case .scalar(_, .null) = variable.value.content, let value = environment.variables[variable.key] else {
      return variable.value
    }
    return Node(text: value, at: variable.mark)
  }

  private func takeLabels(_ service: inout Node, _ serviceName: String) {
    guard let files = service["label_file"] else { return }
    var pairs = Pairs()
    for (position, file) in files.items.enumerated() {
      guard let name = file.text else { continue }
      switch context.bytes(of: FilePath.resolve(name, in: directory, home: context.home)) {
      case .success(let bytes):
        let outer = EnvironmentFile.Outer(winning: { [pairs] in pairs[$0] })
        for variable in ProjectEnvironment.variables(
          of: EnvironmentFile(bytes, outer: outer), bytes, name: context.shown(name), report)
        where !variable.name.isEmpty {
          pairs.put(variable.name, Node(text: variable.value, at: file.mark), at: file.mark)
        }
      case .failure(let error):
        report.error(
          file.mark, "services.\(serviceName).label_file[\(position)]",
          "cannot read the label_file \"\(context.shown(name))\": \(error.reason)")
      }
    }
    for label in service["labels"]?.members ?? [] { pairs.put(label.key, label.value, at: label.mark) }
    service.remove("label_file")
    service.set("labels", Node(.mapping(pairs.members), at: files.mark))
  }

  private func variables(
    of file: Node, path: String, outer: EnvironmentFile.Outer
  ) -> [EnvironmentFile.Variable] {
    guard let pathNode = file["path"], let name = pathNode.text else { return [] }
    switch context.bytes(of: FilePath.resolve(name, in: directory, home: context.home)) {
    case .success(let bytes):
      let isRaw = file["format"]?.text == "raw"
      let read = isRaw ? EnvironmentFile(raw: bytes, outer: outer) : EnvironmentFile(bytes, outer: outer)
      return ProjectEnvironment.variables(of: read, bytes, name: context.shown(name), report)
    case .failure(.notFound) where file["required"]?.text == "false": return []
    case .failure(let error):
      let shown = context.shown(name)
      report.error(
        pathNode.mark, path, "cannot read the env_file \"\(shown)\": \(error.reason)",
        hint: error == .notFound ? "create it, or write {path: \(shown), required: false}" : nil)
      return []
    }
  }
}
