extension Canonicalizer {
  mutating func volumes(_ node: Node) -> Node {
    var volumes: [Node] = []
    for (index, item) in node.items.enumerated() {
      path.push(index)
      defer { path.pop() }
      if isReference(item), (try? VolumeSyntax(item.text ?? "")) == nil {
        // Its parts show when the variable is looked up.
        volumes.append(item)
      } else if let text = item.text {
        if let volume = shortVolume(text, at: item.mark) { volumes.append(volume) }
      } else if let volume = longVolume(item) {
        volumes.append(volume)
      }
    }
    return Node(.sequence(volumes), at: node.mark)
  }

  private func shortVolume(_ text: String, at mark: Mark) -> Node? {
    let volume: VolumeSyntax
    do {
      volume = try VolumeSyntax(text)
    } catch {
      report.error(mark, path.text, error.message, hint: joinedItems(text) ?? error.hint)
      return nil
    }
    var node = Self.mapping([("type", volume.isBind ? "bind" : "volume")], at: mark)
    if let source = volume.source { node.set("source", Node(text: source, at: mark)) }
    node.set("target", Node(text: FilePath.clean(volume.target), at: mark))
    var bind = Node(.mapping([]), at: mark)
    var named = Node(.mapping([]), at: mark)
    for option in volume.options {
      switch option {
      case "ro": node.set("read_only", Node(true, at: mark))
      case "rw", "consistent", "cached", "delegated": continue
      case "z", "Z": bind.set("selinux", Node(text: option, at: mark))
      case "nocopy": named.set("nocopy", Node(true, at: mark))
      case "shared", "slave", "private", "rshared", "rslave", "rprivate":
        bind.set("propagation", Node(text: option, at: mark))
      default:
        report.warning(
          mark, path.text, "unknown option \"\(option)\" in \"\(text)\"",
          hint: report.suggestion(for: option, among: Self.volumeOptions)
            ?? "options are \(Self.volumeOptions.joined(separator: ", "))")
      }
    }
    if volume.isBind {
      bind.set("create_host_path", Node(true, at: mark))
      node.set("bind", bind)
    } else {
      node.set("volume", named)
    }
    return node
  }

  private static let volumeOptions = [
    "ro", "rw", "z", "Z", "nocopy", "shared", "slave", "private", "rshared", "rslave", "rprivate",
  ]

  private func longVolume(_ node: Node) -> Node? {
    guard let type = node["type"]?.text else { return node }
    if type == "tmpfs", let source = node.member("source") {
      report.error(source.mark, path.text, "a volume of type tmpfs has no source")
    }
    return node
  }
}
