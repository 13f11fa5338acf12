import StackModel

/// Every name that a service uses must be there.
struct References {
  private let report: Report
  private let disabled: Set<String>
  private let services: [Node.Member]
  private let known: [String: Known]
  private let document: Node

  private struct Known {
    var names: [String]
    var set: Set<String>

    init(_ section: Node?) {
      names = (section?.members ?? []).map(\.key)
      set = Set(names)
    }
  }

  init(document: Node, disabled: Set<String>, report: Report) {
    self.report = report
    self.disabled = disabled
    self.document = document
    services = document["services"]?.members ?? []
    let sections = ["services", "networks", "volumes", "secrets", "configs", "models"]
    known = Dictionary(uniqueKeysWithValues: sections.map { ($0, Known(document[$0])) })
  }

  func check() {
    for service in services { check(service) }
  }

  private func check(_ service: Node.Member) {
    let path = "services.\(service.key)"
    let node = service.value
    for network in node["networks"]?.members ?? [] {
      need("networks", network.key, at: network.mark, "\(path).networks")
    }
    for model in node["models"]?.members ?? [] { need("models", model.key, at: model.mark, "\(path).models") }
    for (index, volume) in (node["volumes"]?.items ?? []).enumerated() where volume["type"]?.text == "volume" {
      if let source = volume["source"], let name = source.text {
        need("volumes", name, at: source.mark, "\(path).volumes[\(index)]")
      }
    }
    for section in ["secrets", "configs"] { checkGrants(node[section], section, "\(path).\(section)") }
    checkGrants(node["build"]?["secrets"], "secrets", "\(path).build.secrets")
    for dependency in node["depends_on"]?.members ?? [] where !dependency.value.isWrong {
      checkDependency(dependency, "\(path).depends_on")
    }
    if let mode = node["network_mode"], mode.text == "service:\(service.key)" {
      // A missing one is an implied dependency too, which is at the same place.
      report.error(mode.mark, "\(path).network_mode", "the service \"\(service.key)\" cannot share its own network")
    }
    for context in node["build"]?["additional_contexts"]?.members ?? [] {
      checkContext(context, "\(path).build.additional_contexts.\(context.key)")
    }
  }

  private func checkGrants(_ grants: Node?, _ section: String, _ path: String) {
    for (index, item) in (grants?.items ?? []).enumerated() {
      if let source = item["source"], let name = source.text {
        need(section, name, at: source.mark, "\(path)[\(index)]")
      }
    }
  }

  private func checkDependency(_ dependency: Node.Member, _ path: String) {
    let name = dependency.key
    if known["services"]?.set.contains(name) ?? false { return }
    let isOptional = dependency.value["required"]?.text == "false"
    if isOptional { return }
    if disabled.contains(name) {
      report.error(
        dependency.mark, path, "the service \"\(name)\" is not part of the stack: none of its profiles is active",
        hint: "ask for one of them with --profile, or write required: false")
    } else {
      need("services", name, at: dependency.mark, path)
    }
  }

  private func checkContext(_ context: Node.Member, _ path: String) {
    guard let text = context.value.text, text.hasPrefix("service:") else { return }
    let name = String(text.dropFirst(8))
    if disabled.contains(name) { return }
    need("services", name, at: context.value.mark, path)
    if let other = document["services"]?[name], other["build"] == nil {
      report.error(context.value.mark, path, "the service \"\(name)\" has no build: whose result could be used")
    }
  }

  private func need(_ section: String, _ name: String, at mark: Mark, _ path: String) {
    guard let known = known[section], !known.set.contains(name), !report.isFull else { return }
    let noun = String(section.dropLast())
    var hint = report.suggestion(for: name, among: known.names)
    if hint == nil {
      switch section {
      case "volumes": hint = "declare it at the top level, below volumes:; a path begins with / or ./"
      case "services": hint = nil
      default: hint = "declare it at the top level, below \(section):"
      }
      let others = known.names.filter { $0 != "default" || section != "networks" }
      if !others.isEmpty {
        let list = others.prefix(10).joined(separator: ", ") + (others.count > 10 ? ", …" : "")
        hint = (hint.map { $0 + "; " } ?? "") + "defined are \(list)"
      }
    }
    report.error(mark, path, "there is no \(noun) \"\(name)\" in this file", hint: hint)
  }
}
