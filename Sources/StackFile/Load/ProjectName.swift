/// The rules of project names: `[a-z0-9][a-z0-9_-]*`.
package enum ProjectName {
  package static func isValid(_ name: String) -> Bool { !name.isEmpty && normalized(name) == name }

  /// Lower case, without what is not allowed; may be empty.
  static func normalized(_ name: String) -> String {
    let allowed = name.lowercased().utf8.filter {
      (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
    }
    return String(decoding: allowed.drop { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }, as: UTF8.self)
  }

  /// The rules, for whoever broke them.
  package static let hint = "a project name has small letters, digits, - and _, and begins with a letter or digit"
}

/// Finds the name of a project: given by the user, by the last file that has one, or by the directory.
struct ProjectNaming {
  let context: LoadContext

  /// What `-p` or a variable says; nil when neither does.
  func given(_ environment: ProjectEnvironment) -> String? {
    let given = [
      ("-p", context.request.projectName), ("STACK_PROJECT_NAME", environment.variables["STACK_PROJECT_NAME"]),
      ("COMPOSE_PROJECT_NAME", environment.variables["COMPOSE_PROJECT_NAME"]),
    ]
    for case (let origin, .some(let name)) in given where !name.isEmpty {
      if !ProjectName.isValid(name) {
        context.report.error(
          .file(context.report.add(SourceText(name: origin, bytes: []))), nil, "\"\(name)\" is not a project name",
          hint: ProjectName.hint)
      }
      return name
    }
    return nil
  }

  /// For references to the name in the files: looked up in the files first when one refers to it.
  func expected(_ files: [LoadContext.OpenFile], directory: String, _ environment: ProjectEnvironment) -> String {
    var name: String?
    if files.contains(where: { $0.text.contains("_PROJECT_NAME") }) {
      let quiet = Report()
      for file in files {
        let source = quiet.add(file.text)
        let documents = Composer.documents(
          of: file.text.bytes, source: source, report: quiet, interpolation: environment.interpolation(quiet))
        name = documents?.compactMap { $0["name"]?.text }.last.map(ProjectName.normalized) ?? name
      }
    }
    return name ?? ProjectName.normalized(FilePath.lastComponent(directory))
  }

  /// The name that holds when none is given.
  func name(in document: Node, directory: String) -> String {
    let report = context.report
    if let node = document["name"], let text = node.text, !text.isEmpty {
      let normal = ProjectName.normalized(text)
      if normal.isEmpty {
        report.error(node.mark, "name", "\"\(text)\" is not a project name", hint: ProjectName.hint)
      } else if normal != text {
        report.warning(
          node.mark, "name", "the project name \"\(text)\" is used as \"\(normal)\"", hint: ProjectName.hint)
      }
      return normal
    }
    let basename = FilePath.lastComponent(directory)
    let normal = ProjectName.normalized(basename)
    if normal.isEmpty {
      report.error(
        .start(of: document.mark.source), nil, "no project name can be made from the directory \"\(basename)\"",
        hint: "give one with -p, or with name:")
    }
    return normal
  }
}
