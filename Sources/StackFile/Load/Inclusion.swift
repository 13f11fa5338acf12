import StackModel

/// Brings one entry of `include` in: a project of its own, with its own directory and variables.
struct Inclusion {
  let assembly: Assembly
  let file: LoadContext.OpenFile
  /// Of the entry.
  let path: String

  private var context: LoadContext { assembly.context }
  private var report: Report { context.report }

  private static let maximumDepth = 50
  private static let sections = ["services", "volumes", "networks", "secrets", "configs", "models"]

  func apply(_ entry: Node, to document: inout Node) {
    let paths = entry["path"]?.items ?? []
    guard let first = paths.first, let main = first.text else {
      if !entry.isNull {
        report.warning(
          entry.mark, path, "this entry of include has no path: and brings in nothing", hint: "name the file")
      }
      return
    }
    let files = paths.compactMap { open($0) }
    guard files.count == paths.count, let chain = chain(files[0], at: first.mark) else { return }
    let directory =
      entry["project_directory"]?.text.map { FilePath.resolve($0, in: assembly.directory, home: context.home) }
      ?? FilePath.parent(files[0].path)
    let shown = entry["project_directory"]?.text ?? FilePath.parent(main)
    let included = Assembly(
      context: context, environment: environment(of: entry, directory),
      directory: directory,
      prefix: context.request.phases.resolvesPaths ? directory : FilePath.joined(assembly.prefix, shown),
      including: chain)
    guard let result = included.document(of: files) else { return }
    for section in Self.sections { bring(section, of: result, into: &document) }
  }

  private func open(_ node: Node) -> LoadContext.OpenFile? {
    guard let name = node.text else { return nil }
    let path = FilePath.resolve(name, in: assembly.directory, home: context.home)
    return context.open(path, name: name, what: "included file", at: node.mark, self.path)
  }

  /// The files that lead to this one, itself included; nil for a circle.
  private func chain(_ included: LoadContext.OpenFile, at mark: Mark) -> [String]? {
    let chain = assembly.including + [file.path]
    if let start = chain.firstIndex(of: included.path) {
      let names = (chain[start...] + [included.path]).map { FilePath.lastComponent($0) }
      report.error(
        mark, path, "files include each other in a circle: \(names.joined(separator: " -> "))",
        hint: "remove one of these")
      return nil
    }
    guard chain.count < Self.maximumDepth else {
      report.error(mark, path, "files include each other more than \(Self.maximumDepth) times")
      return nil
    }
    return chain
  }

  private func environment(of entry: Node, _ directory: String) -> ProjectEnvironment {
    var environment = assembly.environment
    guard let files = entry["env_file"], !files.items.isEmpty else {
      environment.read(".env", in: directory, isOptional: true, context)
      return environment
    }
    for file in files.items {
      guard let name = file.text, name != "/dev/null" else { continue }
      environment.read(name, in: assembly.directory, isOptional: false, context, at: file.mark, "\(path).env_file")
    }
    return environment
  }

  /// A thing of the same name is a conflict, unless it says the same.
  private func bring(_ section: String, of included: Node, into document: inout Node) {
    guard let from = included[section], !from.members.isEmpty else { return }
    var to = document[section] ?? Node(.mapping([]), at: from.mark)
    if to.isNull { to = Node(.mapping([]), at: from.mark) }
    var members = to.members
    let places = Dictionary(members.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
    for member in from.members {
      guard let place = places[member.key] else {
        members.append(member)
        continue
      }
      if members[place].value.says(theSameAs: member.value) { continue }
      report.error(
        members[place].mark, "\(section).\(member.key)",
        "\"\(member.key)\" is also in \(report.place(member.mark)), which is included",
        hint: "give it another name, or change what is included in an override file")
    }
    to.content = .mapping(members)
    document.set(section, to)
  }
}
