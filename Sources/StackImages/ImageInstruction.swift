/// An instruction of a Dockerfile that changes what an image says of its containers, and no file.
package struct ImageInstruction: Sendable, Hashable {
  private enum Change: Sendable, Hashable {
    case command([String])
    case entrypoint([String])
    case environment([Pair])
    case labels([Pair])
    case exposedPorts([String])
    case volumes([String])
    case user(String)
    case workingDirectory(String)
    case stopSignal(String)
  }

  private struct Pair: Sendable, Hashable {
    let name: String
    let value: String
  }

  private let change: Change

  /// Reads `ENV NAME=value`, `CMD ["word"]` and the like.
  package init(_ text: String) throws(ImageError) {
    let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    let keyword = parts.first?.uppercased() ?? ""
    let rest = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
    func refuse(_ reason: String) -> ImageError { ImageError(.invalidReference, "\"\(text)\": \(reason)") }
    if rest.isEmpty { throw refuse("an instruction is a word and what it is about, for example ENV NAME=value") }
    let pairs = { () throws(ImageError) -> [Pair] in
      guard let pairs = Self.pairs(rest) else { throw refuse("the form is \(keyword) NAME=value") }
      return pairs
    }
    change =
      switch keyword {
      case "CMD": .command(Self.words(ofCommand: rest))
      case "ENTRYPOINT": .entrypoint(Self.words(ofCommand: rest))
      case "ENV": .environment(try pairs())
      case "LABEL": .labels(try pairs())
      case "EXPOSE": .exposedPorts(Self.words(rest).map { $0.contains("/") ? $0 : "\($0)/tcp" })
      case "VOLUME": .volumes(Self.list(rest) ?? Self.words(rest))
      case "USER": .user(String(rest))
      case "WORKDIR": .workingDirectory(String(rest))
      case "STOPSIGNAL": .stopSignal(String(rest))
      default:
        throw refuse("CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME and WORKDIR can be changed")
      }
  }

  func apply(to runtime: inout ImageDocument.Runtime) {
    switch change {
    case .command(let words): runtime.cmd = words
    case .entrypoint(let words): runtime.entrypoint = words
    case .environment(let pairs):
      for pair in pairs {
        var variables = (runtime.env ?? []).filter { !$0.hasPrefix("\(pair.name)=") }
        variables.append("\(pair.name)=\(pair.value)")
        runtime.env = variables
      }
    case .labels(let pairs):
      for pair in pairs { runtime.labels = (runtime.labels ?? [:]).merging([pair.name: pair.value]) { _, new in new } }
    case .exposedPorts(let ports):
      for port in ports {
        runtime.exposedPorts = (runtime.exposedPorts ?? [:]).merging([port: .init()]) { _, new in new }
      }
    case .volumes(let paths):
      for path in paths { runtime.volumes = (runtime.volumes ?? [:]).merging([path: .init()]) { _, new in new } }
    case .user(let user): runtime.user = user
    case .workingDirectory(let path):
      let isRelative = !path.hasPrefix("/")
      runtime.workingDirectory = isRelative ? "\(runtime.workingDirectory ?? "")/\(path)" : path
    case .stopSignal(let signal): runtime.stopSignal = signal
    }
  }

  // MARK: Words

  /// `["a", "b"]`, which is JSON; nil for anything else.
  private static func list(_ text: Substring) -> [String]? {
    text.hasPrefix("[") ? try? JSONDocument.decode(Array(text.utf8), "the list") : nil
  }

  /// The words of a list; of a line, that a shell is to read it.
  private static func words(ofCommand text: Substring) -> [String] { list(text) ?? ["/bin/sh", "-c", String(text)] }

  /// `NAME=value NAME="other value"`, or `NAME value`; nil for anything else.
  private static func pairs(_ text: Substring) -> [Pair]? {
    let words = words(text)
    guard let first = words.first else { return nil }
    if !first.contains("=") {
      let parts = text.split(separator: " ", maxSplits: 1)
      return parts.count == 2 ? [Pair(name: String(parts[0]), value: String(parts[1]))] : nil
    }
    var pairs: [Pair] = []
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else { return nil }
      pairs.append(Pair(name: String(parts[0]), value: String(parts[1])))
    }
    return pairs
  }

  /// Words with blanks between them, where quotation marks keep words together and a backslash keeps what follows it.
  private static func words(_ text: Substring) -> [String] {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var isEscaped = false
    for character in text {
      if isEscaped {
        word = (word ?? "") + String(character)
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if character == quote {
        quote = nil
      } else if quote == nil, character == "\"" || character == "'" {
        quote = character
        word = word ?? ""
      } else if quote == nil, character == " " {
        if let whole = word { words.append(whole) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    if let whole = word { words.append(whole) }
    return words
  }
}
