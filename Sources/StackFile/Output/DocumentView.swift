/// A loaded document as `config` shows it: whole, limited to some services, or as lists of names.
package struct DocumentView {
  private let document: Node
  private let escapes: Bool

  /// - Parameter escapes: whether `$` is doubled, so that what is printed can be loaded again.
  package init(document: Node, escapes: Bool) {
    self.document = document
    self.escapes = escapes
  }

  package var yaml: String { StackPrinter.yaml(document, escapes: escapes) }
  package var json: String { StackPrinter.json(document, escapes: escapes) }

  /// The keys of a section, in the order of the files.
  package func names(of section: String) -> [String] { (document[section]?.members ?? []).map(\.key) }

  /// The keys of a section that services use.
  package func used(_ section: String) -> [String] {
    let used = StackPrinter.used(section, in: document)
    return names(of: section).filter { used.contains($0) }
  }

  /// What the models that services use are.
  package var models: [String] { used("models").map { document["models"]?[$0]?["model"]?.text ?? $0 } }

  package func has(service name: String) -> Bool { document["services"]?.member(name) != nil }

  /// What each service runs: its image, or the name that its build gives to the result.
  package var images: [String] {
    let project = document["name"]?.text ?? ""
    return (document["services"]?.members ?? []).compactMap { member in
      member.value["image"]?.text ?? (member.value["build"] == nil ? nil : "\(project)-\(member.key)")
    }
  }

  /// The services whose image is to be built.
  package var built: [String] { (document["services"]?.members ?? []).filter { $0.value["build"] != nil }.map(\.key) }

  /// One service as JSON; empty when it is not there.
  package func json(ofService name: String) -> String {
    document["services"]?[name].map { StackPrinter.json(service: $0) } ?? ""
  }

  /// With other images in the places of those that services name.
  package func withImages(_ image: (_ service: String, _ name: String) throws -> String) rethrows -> DocumentView {
    guard let services = document["services"] else { return self }
    var changed = document
    let members = try services.members.map { member in
      var member = member
      if let old = member.value["image"], let name = old.text {
        member.value.set("image", Node(text: try image(member.key, name), at: old.mark))
      }
      return member
    }
    changed.set("services", Node(.mapping(members), at: services.mark))
    return DocumentView(document: changed, escapes: escapes)
  }

  /// An override file of nothing but the services' images.
  package var onlyImages: DocumentView {
    guard let services = document["services"] else { return self }
    let members = services.members.compactMap { member in
      member.value.member("image").map {
        Node.Member(member.key, at: member.mark, Node(.mapping([$0]), at: member.value.mark))
      }
    }
    let limited = Node.Member("services", at: services.mark, Node(.mapping(members), at: services.mark))
    return DocumentView(document: Node(.mapping([limited]), at: document.mark), escapes: escapes)
  }

  /// Only these services, with what they depend on.
  package func limited(to names: [String]) -> DocumentView {
    guard let services = document["services"] else { return self }
    var wanted = Set(names)
    var open = names
    while let name = open.popLast() {
      for dependency in services[name]?["depends_on"]?.members ?? [] where wanted.insert(dependency.key).inserted {
        open.append(dependency.key)
      }
    }
    var limited = document
    limited.set(
      "services", Node(.mapping(services.members.filter { wanted.contains($0.key) }), at: services.mark))
    return DocumentView(document: limited, escapes: escapes)
  }
}
