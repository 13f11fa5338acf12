import StackModel

extension ServiceDecoder {
  /// The secrets or configs that the service sees. That they are there is checked with all other references.
  func grants(_ section: String, in directory: String) -> [FileGrant]? {
    node[section]?.items.enumerated().compactMap { index, item in
      guard let key = item["source"]?.text, let object = objects[section]?[key], case .mapping = object.content else {
        return nil
      }
      let path = path("\(section)[\(index)]")
      guard let source = source(of: object, key, section, path, item) else { return nil }
      var target = item["target"]?.text ?? "\(directory)/\(key)"
      if !FilePath.isAbsolute(target) { target = "\(directory)/\(target)" }
      var grant = FileGrant(key: key, source: source, target: FilePath.clean(target))
      grant.uid = number(item, "uid", path)
      grant.gid = number(item, "gid", path)
      grant.mode = item["mode"]?.text.flatMap { UInt32($0, radix: 8) }
      return grant
    }
  }

  private func source(
    of object: Node, _ key: String, _ section: String, _ path: String, _ item: Node
  ) -> FileGrant.Source? {
    if let file = object["file"]?.text { return .file(file) }
    if let content = object["content"]?.text { return .content(content) }
    if let variable = object["environment"] {
      if let value = object[Node.hiddenValue]?.text { return .content(value) }
      report.warning(
        variable.mark, "\(section).\(key).environment",
        "the variable \(variable.text ?? "") is not set, and \"\(key)\" needs it",
        hint: "set it in the environment or in .env")
      return .unset(variable: variable.text ?? "")
    }
    if object["external"]?.text == "true" { return .external(object["name"]?.text ?? key) }
    // What remains without a source is a content that is empty, or a mistake that was reported.
    return object["driver"] == nil ? .content("") : nil
  }

  private func number(_ item: Node, _ key: String, _ path: String) -> UInt32? {
    guard let node = item[key], let text = node.text else { return nil }
    guard let number = UInt32(text) else {
      report.refusal(node.mark, "\(path).\(key)", "\(key) must be a number, but this is \"\(text)\"")
      return nil
    }
    return number
  }
}
