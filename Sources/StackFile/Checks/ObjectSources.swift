import StackModel

/// A secret or config comes from one place. Looked at before `Omission`, because a key without a value counts.
struct ObjectSources {
  let report: Report

  func check(_ document: Node) {
    check(document["secrets"], "secrets", ["file", "environment"])
    check(document["configs"], "configs", ["file", "environment", "content"])
  }

  private func check(_ objects: Node?, _ section: String, _ sources: [String]) {
    for object in objects?.members ?? [] {
      guard case .mapping = object.value.content else { continue }
      let path = "\(section).\(object.key)"
      if section == "secrets", let content = object.value.member("content") {
        report.error(
          content.mark, path, "unknown key \"content\" in secret \"\(object.key)\"", hint: "use file: or environment:")
      }
      let given = object.value.members.filter { sources.contains($0.key) }
      if given.count > 1 {
        report.error(
          given[1].mark, path, "\(given[0].key): and \(given[1].key): exclude each other", hint: "keep one of the two")
      } else if let source = given.first {
        refuseEmpty(source, "\(path).\(source.key)")
      } else if object.value["external"]?.text != "true", object.value["driver"] == nil {
        report.error(
          object.mark, path, "\"\(object.key)\" has no source",
          hint: "write one of \(sources.map { $0 + ":" }.joined(separator: ", ")), or external: true")
      }
    }
  }

  /// An empty text is a content too, but no file and no variable.
  private func refuseEmpty(_ source: Node.Member, _ path: String) {
    guard source.key != "content", source.value.text == "" else { return }
    report.refusal(
      source.value.mark, path, "\(source.key): is empty, and so there is nothing to give to services",
      hint: source.key == "file" ? "name the file that has it" : "name the variable that has it")
  }
}
