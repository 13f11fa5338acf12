import StackModel

/// The namespaces that a service does not have for itself.
extension ServiceDecoder {
  mutating func decodeNamespaces() {
    service.pid = sharing("pid", own: ["private"])
    service.ipc = sharing("ipc", own: ["private", "shareable", "none"])
    if node["ipc"]?.text == "none" { service.hasNoSharedMemory = true }
    if node["cgroup"]?.text == "host" { service.sharesCgroupNamespace = true }
    decodeHostNamespace()
  }

  private func sharing(_ key: String, own: [String]) -> NamespaceSharing? {
    guard let mode = node[key], let text = mode.text, !text.isEmpty, !own.contains(text) else { return nil }
    if text == "host" { return .host }
    if text.hasPrefix("service:") { return .service(String(text.dropFirst(8))) }
    if text.hasPrefix("container:") {
      report.refusal(
        mode.mark, path(key), "container: is not supported yet", hint: "use service:NAME for a service of this file")
    } else {
      report.refusal(
        mode.mark, path(key), "\"\(text)\" is not a mode of \(key)",
        hint: report.suggestion(for: text, among: ["host"] + own)
          ?? "host, service:NAME, or \(own.joined(separator: ", "))")
    }
    return nil
  }

  private mutating func decodeHostNamespace() {
    guard let mode = node["uts"], let text = mode.text, !text.isEmpty, text != "private" else { return }
    guard text == "host" else {
      report.refusal(
        mode.mark, path("uts"), "\"\(text)\" is not a mode of uts",
        hint: report.suggestion(for: text, among: ["host"]) ?? "host, or remove uts:")
      return
    }
    service.sharesHostname = true
    for key in ["hostname", "domainname"] {
      guard let name = node.member(key) else { continue }
      report.refusal(
        name.mark, path(key), "\(key): is given, but uts: host is the machine's own name", hint: "keep one of the two")
    }
  }
}
