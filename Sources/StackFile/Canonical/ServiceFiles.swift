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
      // What is set in the file itself counts for references in the variables of files.
      let known = { name in own?[name]?.text ?? pairs[name] }
      for variable in variables(of: file, path: path, known: known) where !variable.name.isEmpty {
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
        for variable in ProjectEnvironment.variables(
          of: bytes, name: context.shown(name), report: report, lookup: { pairs[$0] })
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
    of file: Node, path: String, known: @escaping (String) -> String?
  ) -> [EnvironmentFile.Variable] {
    guard let pathNode = file["path"], let name = pathNode.text else { return [] }
    switch context.bytes(of: FilePath.resolve(name, in: directory, home: context.home)) {
    case .success(let bytes):
      if file["format"]?.text == "raw" { return EnvironmentFile.raw(bytes) }
      let variables = environment.variables
      return ProjectEnvironment.variables(
        of: bytes, name: context.shown(name), report: report, lookup: { variables[$0] ?? known($0) })
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
