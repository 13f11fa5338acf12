/// Where the names of `extends` are looked up: the services of one file.
final class ExtensionScope {
  let file: LoadContext.OpenFile
  /// Where the `file` of an `extends` in it starts.
  let directory: String
  fileprivate var services: [String: Node]
  fileprivate let names: [String]
  /// Of services that are still as their file has them, in each of its documents.
  fileprivate var raw: [[Node.Member]] = []
  fileprivate var done: [String: Node] = [:]

  init(file: LoadContext.OpenFile, directory: String, services: [Node.Member]) {
    self.file = file
    self.directory = directory
    self.services = Dictionary(services.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    names = services.map(\.key)
  }

  /// Of another file, whose services are only looked at when they are needed: mistakes in the others are not this project's.
  fileprivate init(file: LoadContext.OpenFile, documents: [Node]) {
    self.file = file
    directory = FilePath.parent(file.path)
    services = [:]
    raw = documents.compactMap { $0["services"]?.members }
    names = raw.flatMap { $0.map(\.key) }
  }
}

/// Resolves `extends` (Compose Specification): a service is laid over the one that it extends, and that over its own.
final class Extensions {
  private let context: LoadContext
  private let environment: ProjectEnvironment
  /// Of the files of the project itself.
  private let prefix: String
  private var scopes: [String: ExtensionScope] = [:]
  /// Services of circles that were reported, each after its file.
  private var circular: Set<String> = []

  struct Link {
    var path: String
    var service: String
    var mark: Mark
  }

  private static let maximumChain = 200

  init(context: LoadContext, environment: ProjectEnvironment, prefix: String) {
    self.context = context
    self.environment = environment
    self.prefix = prefix
  }

  /// The service with all that it extends; nil when it is not there, or wrong, which is then reported.
  func resolved(_ name: String, in scope: ExtensionScope, chain: [Link]) -> Node? {
    if let done = scope.done[name] { return done }
    guard var service = service(name, in: scope) else { return nil }
    guard let extends = service["extends"] else {
      scope.done[name] = service
      return service
    }
    service.remove("extends")
    guard !service.isNull, let reference = extends["service"], let base = reference.text else {
      if !extends.isWrong, extends["service"]?.isWrong != true {
        context.report.error(
          extends.mark, "services.\(name).extends", "extends needs service:", hint: "the service to take keys from")
      }
      return nil
    }
    let link = Link(path: scope.file.path, service: name, mark: reference.mark)
    guard check(link, in: chain) else { return nil }
    guard let target = target(of: extends, in: scope, name),
      let found = resolved(base, in: target, chain: chain + [link])
    else {
      reportMissing(base, at: reference.mark, extends: extends, in: scope, name)
      return nil
    }
    var result = found.untagged
    context.report.taking(result, for: name, at: reference.mark)
    result = DocumentMerge(report: context.report).merged(result, service, as: .record(.service), rule: .byShape)
    result.mark = service.mark
    scope.done[name] = result
    return result
  }

  private func check(_ link: Link, in chain: [Link]) -> Bool {
    guard let start = chain.firstIndex(where: { $0.path == link.path && $0.service == link.service }) else {
      if chain.count < Self.maximumChain { return true }
      context.report.error(
        link.mark, "services.\(link.service).extends", "services extend each other more than \(Self.maximumChain) times"
      )
      return false
    }
    let cycle = chain[start...]
    // The circle is the same wherever one enters it.
    guard circular.insert("\(link.path)\n\(link.service)").inserted else { return false }
    circular.formUnion(cycle.map { "\($0.path)\n\($0.service)" })
    let names = (cycle.map(\.service) + [link.service]).joined(separator: " -> ")
    let places = cycle.map { "\($0.service) extends in \(context.report.place($0.mark, from: link.mark))" }
    context.report.error(
      cycle.first?.mark ?? link.mark, "services.\(link.service).extends",
      "services extend each other in a circle: \(names)",
      hint: places.joined(separator: ", ") + "; remove one of these")
    return false
  }

  private func service(_ name: String, in scope: ExtensionScope) -> Node? {
    if let service = scope.services[name] { return service }
    var result: Node?
    for members in scope.raw {
      guard let member = members.first(where: { $0.key == name }) else { continue }
      var canonicalizer = context.canonicalizer(at: "services", name)
      // A service without keys can be extended, though it could not be run.
      let value = member.value.isNull ? Node(.mapping([]), at: member.mark) : member.value
      guard var service = canonicalizer.canonical(value, as: .record(.service)) else { continue }
      PathPrefix(prefix(of: scope), home: context.home).apply(toService: &service)
      result =
        result.map {
          DocumentMerge(report: context.report).merged($0, service, as: .record(.service), rule: .byShape)
        } ?? service
    }
    scope.services[name] = result
    return result
  }

  /// The paths of another file start at that file's directory.
  private func prefix(of scope: ExtensionScope) -> String {
    context.request.phases.resolvesPaths ? scope.directory : FilePath.parent(scope.file.text.name)
  }

  private func target(of extends: Node, in scope: ExtensionScope, _ name: String) -> ExtensionScope? {
    guard let file = extends["file"], let text = file.text else { return scope }
    let path = FilePath.resolve(text, in: scope.directory, home: context.home)
    if let known = scopes[path] { return known }
    guard
      let opened = context.open(
        path, name: text, what: "extended file", at: file.mark, "services.\(name).extends.file")
    else { return nil }
    let target = ExtensionScope(file: opened, documents: context.documents(of: opened, environment))
    scopes[path] = target
    return target
  }

  private func reportMissing(_ base: String, at mark: Mark, extends: Node, in scope: ExtensionScope, _ name: String) {
    let file = extends["file"]?.text
    let target = file.map { scopes[FilePath.resolve($0, in: scope.directory, home: context.home)] } ?? scope
    // A file that cannot be read is a mistake of its own, and so is a service that is wrong.
    guard let target, !target.names.contains(base) else { return }
    let isSelf = target === scope
    context.report.error(
      mark, "services.\(name).extends",
      "there is no service \"\(base)\" in \(isSelf ? "this file" : target.file.text.name)",
      hint: context.report.suggestion(for: base, among: target.names)
        ?? (target.names.isEmpty
          ? "the file has no services" : "it has \(target.names.prefix(10).joined(separator: ", "))"))
  }
}
