/// The variables that files refer to, for `config --variables`.
struct VariableReferences {
  let context: LoadContext

  func all(in files: [LoadContext.OpenFile]) -> [VariableReference] {
    guard files.contains(where: { $0.text.contains("$") }) else { return [] }
    var template = Template { _ in nil }
    template.collectsReferences = true
    let quiet = Report()
    for file in files {
      let source = quiet.add(file.text)
      for document in Composer.documents(of: file.text.bytes, source: source, report: quiet, interpolation: nil) ?? [] {
        scan(document, &template)
      }
    }
    return template.references
  }

  private func scan(_ node: Node, _ template: inout Template) {
    switch node.content {
    case .scalar(let text, _): if text.utf8.contains(UInt8(ascii: "$")) { _ = template.expand(text) }
    case .sequence(let items): for item in items { scan(item, &template) }
    case .mapping(let members): for member in members { scan(member.value, &template) }
    }
  }
}
