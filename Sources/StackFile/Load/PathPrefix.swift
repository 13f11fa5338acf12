/// Makes the relative paths of a document in the long form start at a directory.
///
/// Absolute paths stay as they are, so that what comes from another directory can be joined with the rest.
struct PathPrefix {
  let prefix: String
  let home: String?

  init(_ prefix: String, home: String?) {
    self.prefix = prefix
    self.home = home
  }

  func apply(to document: inout Node) {
    // Without a prefix paths are shown as they are written.
    guard !prefix.isEmpty else { return }
    document.update("services") { services in services.updateMembers { _, service in apply(toService: &service) } }
    for section in ["configs", "secrets"] {
      document.update(section) { objects in objects.updateMembers { _, object in object.update("file", place) } }
    }
    document.update("volumes") { volumes in
      volumes.updateMembers { _, volume in
        guard volume["driver"]?.text == "local" else { return }
        volume.update("driver_opts") { options in
          if options["o"]?.text == "bind" { options.update("device", place) }
        }
      }
    }
  }

  func apply(toService service: inout Node) {
    guard !prefix.isEmpty, case .mapping = service.content else { return }
    service.update("build") { build in
      build.update("context", placeContext)
      build.update("additional_contexts") { contexts in contexts.updateMembers { _, context in placeContext(&context) }
      }
      build.update("ssh") { keys in keys.updateItems(placeKey) }
    }
    service.update("env_file") { files in files.updateItems { file in file.update("path", place) } }
    service.update("label_file") { files in files.updateItems(place) }
    service.update("develop") { develop in
      develop.update("watch") { triggers in triggers.updateItems { trigger in trigger.update("path", place) } }
    }
    service.update("volumes") { volumes in
      volumes.updateItems { volume in
        if volume["type"]?.text == "bind" { volume.update("source", place) }
      }
    }
    if service["rootfs"]?.text != "host" { service.update("rootfs", place) }
    if let seccomp = service["seccomp"]?.text, seccomp != "default", seccomp != "unconfined" {
      service.update("seccomp", place)
    }
  }

  private func place(_ node: inout Node) {
    guard let text = node.text, !text.isEmpty, node.tag != .reset, !Self.isReference(text) else { return }
    if Self.isOfWindows(text) { return }
    if let home, text == "~" || text.hasPrefix("~/") {
      node.content = .scalar(FilePath.clean(home + text.dropFirst()), .text)
    } else if !FilePath.isAbsolute(text) {
      node.content = .scalar(FilePath.joined(prefix, text), .text)
    }
  }

  /// A context may be an address, or another service, that only the builder understands.
  private func placeContext(_ node: inout Node) {
    guard let text = node.text else { return }
    let remote = ["service:", "git@", "github.com/"]
    if text.contains("://") || remote.contains(where: { text.hasPrefix($0) }) { return }
    place(&node)
  }

  /// `id: path`.
  private func placeKey(_ node: inout Node) {
    guard let text = node.text else { return }
    let (id, path) = Canonicalizer.split(text, at: UInt8(ascii: ":"))
    guard let path else { return }
    var value = Node(text: String(path.drop { $0 == " " }), at: node.mark)
    place(&value)
    node.content = .scalar("\(id): \(value.text ?? "")", .text)
  }

  /// Left for whoever looks the variable up.
  private static func isReference(_ text: String) -> Bool {
    text.hasPrefix("${") || text.hasPrefix("$") && !text.hasPrefix("$$")
  }

  private static func isOfWindows(_ path: String) -> Bool {
    path.hasPrefix("\\\\")
      || (path.utf8.dropFirst().first == UInt8(ascii: ":") && path.utf8.dropFirst(2).first == UInt8(ascii: "\\"))
  }
}
