extension Canonicalizer {
  private static let maximumPorts = 200_000

  /// One long form for each port; a range of host ports for one container port stays a range.
  mutating func ports(_ node: Node) -> Node {
    var ports: [Node] = []
    for (index, item) in node.items.enumerated() {
      path.push(index)
      defer { path.pop() }
      if isReference(item) {
        ports.append(item)
      } else if let text = item.text {
        ports += shortPort(text, at: item.mark)
      } else if let port = longPort(item) {
        ports.append(port)
      }
      if portCount > Self.maximumPorts {
        report.error(item.mark, path.text, "the file publishes more than \(Self.maximumPorts) ports")
        break
      }
    }
    return Node(.sequence(ports), at: node.mark)
  }

  private mutating func shortPort(_ text: String, at mark: Mark) -> [Node] {
    let port: PortSyntax
    do {
      port = try PortSyntax(text)
    } catch {
      report.error(mark, path.text, error.message, hint: joinedItems(text) ?? error.hint)
      return []
    }
    portCount += port.target.count
    guard portCount <= Self.maximumPorts else { return [] }
    // The canonical order is that of the texts.
    return port.target.enumerated().sorted { "\($0.element)" < "\($1.element)" }.map { offset, target in
      var members = [Node.Member("mode", at: mark, Node(text: "ingress", at: mark))]
      if let address = port.hostAddress {
        members.append(Node.Member("host_ip", at: mark, Node(text: address, at: mark)))
      }
      members.append(Node.Member("target", at: mark, Node(integer: target, at: mark)))
      if let published = Self.published(port, offset) {
        members.append(Node.Member("published", at: mark, Node(text: published, at: mark)))
      }
      members.append(Node.Member("protocol", at: mark, Node(text: port.transport, at: mark)))
      return Node(.mapping(members), at: mark)
    }
  }

  private static func published(_ port: PortSyntax, _ offset: Int) -> String? {
    guard let published = port.published else { return nil }
    if port.target.count > 1 { return "\(Int(published.lowerBound) + offset)" }
    return published.count > 1 ? "\(published.lowerBound)-\(published.upperBound)" : "\(published.lowerBound)"
  }

  private mutating func longPort(_ node: Node) -> Node? {
    var port = node
    portCount += 1
    if let published = node["published"], let text = published.text, !isReference(published) {
      if text.isEmpty {
        port.remove("published")
      } else {
        do {
          _ = try PortSyntax.range(text[...], "host port", in: text)
        } catch {
          report.refusal(published.mark, path.text, error.message, hint: error.hint)
        }
      }
    }
    if port["mode"] == nil { port.set("mode", Node(text: "ingress", at: node.mark)) }
    if port["protocol"] == nil { port.set("protocol", Node(text: "tcp", at: node.mark)) }
    return port
  }
}
