import StackModel

/// Every name that a service uses must be there.
struct References {
  let document: Node
  let report: Report

  func check() {
    let services = document["services"]?.members ?? []
    let names = services.map(\.key)
    let serviceSet = Set(names)
    let networks = (document["networks"]?.members ?? []).map(\.key)
    let networkSet = Set(networks)
    let volumes = (document["volumes"]?.members ?? []).map(\.key)
    let volumeSet = Set(volumes)
    for service in services {
      let path = "services.\(service.key)"
      for network in service.value["networks"]?.members ?? [] where !networkSet.contains(network.key) {
        missing("network", network.key, at: network.mark, "\(path).networks", networks)
      }
      for (index, volume) in (service.value["volumes"]?.items ?? []).enumerated() {
        guard volume["type"]?.text == "volume", let source = volume["source"], let name = source.text,
          !volumeSet.contains(name)
        else { continue }
        missing("volume", name, at: source.mark, "\(path).volumes[\(index)]", volumes)
      }
      for dependency in service.value["depends_on"]?.members ?? [] where !serviceSet.contains(dependency.key) {
        if dependency.value["required"]?.text == "false" { continue }
        missing("service", dependency.key, at: dependency.mark, "\(path).depends_on", names)
      }
      if let mode = service.value["network_mode"], let text = mode.text, text.hasPrefix("service:") {
        let name = String(text.dropFirst(8))
        // A missing one is an implied dependency too, which is at the same place.
        if name == service.key {
          report.error(mode.mark, "\(path).network_mode", "the service \"\(name)\" cannot share its own network")
        }
      }
    }
  }

  private func missing(_ what: String, _ name: String, at mark: Mark, _ path: String, _ defined: [String]) {
    if report.isFull { return }
    var hint = report.suggestion(for: name, among: defined)
    if hint == nil {
      switch what {
      case "network": hint = "declare it at the top level, below networks:"
      case "volume": hint = "declare it at the top level, below volumes:; a path begins with / or ./"
      default: hint = nil
      }
      let known = defined.filter { $0 != "default" || what != "network" }
      if !known.isEmpty {
        let list = known.prefix(10).joined(separator: ", ") + (known.count > 10 ? ", …" : "")
        hint = (hint.map { $0 + "; " } ?? "") + "defined are \(list)"
      }
    }
    report.error(mark, path, "there is no \(what) \"\(name)\" in this file", hint: hint)
  }
}
