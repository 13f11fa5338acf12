/// Puts the files of one project together: included projects, extended services, and later files over earlier ones.
struct Assembly {
  let context: LoadContext
  let environment: ProjectEnvironment
  /// Where paths of this project start, as absolute path.
  let directory: String
  /// What relative paths are made to start with: `directory`, or a relative path when they stay as they are.
  let prefix: String
  /// The files whose inclusion led here.
  var including: [String] = []

  /// The document of all files in the long form; nil when there is none.
  func document(of files: [LoadContext.OpenFile]) -> Node? {
    var result: Node?
    for file in files {
      for document in context.documents(of: file, environment) {
        var canonicalizer = context.canonicalizer()
        guard var document = canonicalizer.canonical(document, as: .record(.top)) else { continue }
        PathPrefix(prefix, home: context.home).apply(to: &document)
        include(into: &document, from: file)
        extend(&document, of: file)
        result = result.map { DocumentMerge(report: context.report).merged($0, document) } ?? document
        result.map(context.report.settleSupplements)
      }
    }
    guard var whole = result else { return nil }
    // With a second owner every change below would copy all that it touches.
    result = nil
    complete(&whole)
    return whole
  }

  private func include(into document: inout Node, from file: LoadContext.OpenFile) {
    guard let inclusions = document["include"] else { return }
    document.remove("include")
    for (index, item) in inclusions.items.enumerated() {
      Inclusion(assembly: self, file: file, path: "include[\(index)]").apply(item, to: &document)
    }
  }

  private func extend(_ document: inout Node, of file: LoadContext.OpenFile) {
    guard let services = document["services"], services.members.contains(where: { $0.value["extends"] != nil }) else {
      return
    }
    let scope = ExtensionScope(file: file, directory: directory, services: services.members)
    let extensions = Extensions(context: context, environment: environment, prefix: prefix)
    let members = services.members.map { member -> Node.Member in
      guard member.value["extends"] != nil else { return member }
      if let service = extensions.resolved(member.key, in: scope, chain: []) {
        return Node.Member(member.key, at: member.mark, service)
      }
      // What is wrong besides is told too: nothing will replace it.
      context.report.settle(member.value)
      return Node.Member(member.key, at: member.mark, .wrong(at: member.mark))
    }
    document.set("services", Node(.mapping(members), at: services.mark))
  }

  /// What depends on the variables and the directory of this project, not of one that includes it.
  private func complete(_ document: inout Node) {
    document.update("services") { services in
      services.updateMembers { _, service in
        if context.request.phases.resolvesEnvironment { service.update("environment", resolveVariables) }
        service.update("build") { build in
          if case .mapping = build.content, build["context"] == nil {
            build.set("context", Node(text: FilePath.joined(prefix, "."), at: build.mark))
          }
        }
      }
    }
    for section in ["secrets", "configs"] {
      document.update(section) { objects in
        objects.updateMembers { _, object in
          guard let name = object["environment"], let variable = name.text,
            let value = environment.variables[variable]
          else { return }
          object.set(Node.hiddenValue, Node(text: value, at: name.mark))
        }
      }
    }
  }

  /// A variable without a value takes the caller's.
  private func resolveVariables(_ variables: inout Node) {
    variables.updateMembers { name, value in
      if case .scalar(_, .null) = value.content, !value.isReset, let found = environment.variables[name] {
        value = Node(text: found, at: value.mark)
      }
    }
  }
}
