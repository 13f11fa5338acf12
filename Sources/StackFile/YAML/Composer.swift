/// Makes the documents of one file out of its events.
///
/// Anchors, aliases and merge keys are resolved here, and every value is interpolated here, once, however many aliases
/// bring it elsewhere. A syntax error ends the file; everything else is reported and gone over.
struct Composer {
  enum Limits {
    /// Bytes of a file.
    static let size = 5 << 20
    /// Collections in collections.
    static let depth = 100
    /// Values that aliases add to a file.
    static let expansion = 1_000_000
  }

  private let source: UInt16
  private let report: Report
  private var interpolation: Interpolation?
  private var frames: [Frame] = []
  private var anchors: [String: Anchored] = [:]
  private var documents: [Node] = []
  /// Values so far, those that aliases stand for included.
  private var valueCount = 0
  private var expandedCount = 0

  private struct Anchored {
    var node: Node
    /// Values in it.
    var weight: Int
    /// Collections in collections in it.
    var height: Int
  }

  init(source: UInt16, report: Report, interpolation: Interpolation?) {
    self.source = source
    self.report = report
    self.interpolation = interpolation
  }

  /// The documents of a file that are not empty; nil when its syntax is wrong.
  static func documents(
    of bytes: [UInt8], source: UInt16, report: Report, interpolation: Interpolation?
  ) -> [Node]? {
    var composer = Composer(source: source, report: report, interpolation: interpolation)
    return composer.run(bytes)
  }

  private mutating func run(_ bytes: [UInt8]) -> [Node]? {
    guard bytes.count <= Limits.size else {
      report.error(
        .start(of: source), nil, "the file is larger than 5 MiB", hint: "a stack file is text; is this the right file?")
      return nil
    }
    var reader = YAMLReader(bytes)
    do {
      while true {
        let event = try reader.next()
        if case .streamEnd = event.kind { return documents }
        guard take(event) else { return nil }
      }
    } catch {
      if let file = report.source(.file(source)) {
        let explained = SyntaxProblem(error, in: file, source: source)
        report.error(explained.mark, nil, explained.message, hint: explained.hint)
      }
      return nil
    }
  }

  private func mark(_ position: YAMLPosition) -> Mark {
    Mark(source: source, line: UInt32(clamping: position.line + 1), column: UInt32(clamping: position.column + 1))
  }

  /// False ends the file.
  private mutating func take(_ event: YAMLEvent) -> Bool {
    let mark = mark(event.start)
    switch event.kind {
    case .streamStart, .streamEnd: return true
    case .documentStart: anchors.removeAll()
    case .documentEnd: return true
    case .alias(let name): return take(alias: name, at: mark)
    case .scalar(let text, let anchor, let tag, let isPlain):
      valueCount += 1
      let node = scalar(text, tag: tag, isPlain: isPlain, at: mark, end: self.mark(event.end))
      if let anchor { anchors[anchor] = Anchored(node: node, weight: 1, height: 0) }
      deliver(node, isMergeKey: isPlain && text == "<<", height: 0)
    case .sequenceStart(let anchor, let tag): return open(isMapping: false, anchor, tag, at: mark)
    case .mappingStart(let anchor, let tag): return open(isMapping: true, anchor, tag, at: mark)
    case .sequenceEnd, .mappingEnd: close()
    }
    return true
  }

  // MARK: Scalars and aliases

  private mutating func scalar(_ text: String, tag: String?, isPlain: Bool, at mark: Mark, end: Mark) -> Node {
    let mergeTag = check(tag: tag, at: mark)
    var node = untagged(text, tag: tag, isPlain: isPlain, at: mark, end: end)
    node.tag = mergeTag
    return node
  }

  private mutating func untagged(_ text: String, tag: String?, isPlain: Bool, at mark: Mark, end: Mark) -> Node {
    let isKey = frames.last.map { $0.isMapping && $0.key == nil } ?? false
    if !isKey, text.utf8.contains(UInt8(ascii: "$")), interpolation != nil {
      let path = path
      guard let expanded = interpolation?.expand(text, at: mark, end: end, path: path) else { return .wrong(at: mark) }
      return Node(text: expanded, at: mark)
    }
    let isText = !isPlain || tag == "tag:yaml.org,2002:str" || tag == "!"
    return Node(.scalar(text, isText ? .text : CoreSchema.type(ofPlain: text)), at: mark)
  }

  private mutating func take(alias name: String, at mark: Mark) -> Bool {
    guard let anchored = anchors[name] else {
      let isOpen = frames.contains { $0.anchor == name }
      report.error(
        mark, path.text,
        isOpen ? "alias *\(name) stands inside the value that it means" : "there is no anchor &\(name)",
        hint: isOpen
          ? "a value cannot contain itself"
          : report.suggestion(for: name, among: anchors.keys.sorted(), write: { "*\($0)" })
            ?? "an anchor &\(name) must stand before its alias; if the * is meant literally, write the value in quotes")
      deliver(.wrong(at: mark), isMergeKey: false, height: 0)
      return true
    }
    expandedCount += anchored.weight
    guard expandedCount <= Limits.expansion else {
      report.error(
        mark, path.text, "the aliases of this file stand for more than \(Limits.expansion) values",
        hint: "aliases of aliases multiply: use fewer of them in each other")
      return false
    }
    guard frames.count + anchored.height <= Limits.depth else { return tooDeep(at: mark) }
    valueCount += anchored.weight
    deliver(anchored.node, isMergeKey: false, height: anchored.height)
    return true
  }

  private func check(tag: String?, at mark: Mark) -> MergeTag {
    guard let tag, tag != "!" else { return .none }
    if tag == "!reset" { return .reset }
    if tag == "!override" { return .override }
    let known = ["str", "int", "float", "bool", "null", "seq", "map"]
    if !known.contains(where: { tag == "tag:yaml.org,2002:" + $0 }) {
      let shown = tag.hasPrefix("tag:yaml.org,2002:") ? "!!" + tag.dropFirst(18) : tag
      report.warning(
        mark, path.text, "the tag \(shown) has no meaning here",
        hint: report.suggestion(for: shown, among: ["!reset", "!override"], write: { $0 })
          ?? "if the ! is meant literally, write the value in quotes")
    }
    return .none
  }

  // MARK: Collections

  private func tooDeep(at mark: Mark) -> Bool {
    report.error(mark, nil, "values are nested deeper than \(Limits.depth) levels")
    return false
  }

  private mutating func open(isMapping: Bool, _ anchor: String?, _ tag: String?, at mark: Mark) -> Bool {
    let mergeTag = check(tag: tag, at: mark)
    guard frames.count < Limits.depth else { return tooDeep(at: mark) }
    valueCount += 1
    if let anchor { anchors[anchor] = nil }
    frames.append(
      Frame(isMapping: isMapping, mark: mark, tag: mergeTag, anchor: anchor, firstValue: valueCount - 1))
    return true
  }

  private mutating func close() {
    guard let frame = frames.popLast() else { return }
    let node = frame.node
    if let anchor = frame.anchor {
      anchors[anchor] = Anchored(node: node, weight: valueCount - frame.firstValue, height: frame.height + 1)
    }
    deliver(node, isMergeKey: false, height: frame.height + 1)
  }

  /// Gives a finished value to the collection around it.
  private mutating func deliver(_ node: Node, isMergeKey: Bool, height: Int) {
    guard !frames.isEmpty else {
      if !node.isNull { documents.append(node) }
      return
    }
    let last = frames.count - 1
    frames[last].height = max(frames[last].height, height)
    guard frames[last].isMapping else {
      frames[last].items.append(node)
      return
    }
    guard let key = frames[last].key else {
      frames[last].key = self.key(node, isMergeKey: isMergeKey)
      return
    }
    frames[last].key = nil
    switch key.kind {
    case .invalid: frames[last].hasInvalidKey = true
    case .merge: merge(node, key)
    case .ordinary: append(node, to: last, key: key)
    }
  }

  private func key(_ node: Node, isMergeKey: Bool) -> Frame.Key {
    if isMergeKey { return Frame.Key(text: "<<", mark: node.mark, kind: .merge) }
    guard case .scalar(let text, let type) = node.content else {
      report.error(
        node.mark, path.text, "a key must be text",
        hint: "a value that begins with { or [ must be written in quotes unless it is a mapping or a list")
      return Frame.Key(text: "?", mark: node.mark, kind: .invalid)
    }
    guard type == .text else {
      let what = type == .null ? "empty" : type == .boolean ? "true or false" : "a number"
      let isPort = path.text?.contains(".ports[") ?? false
      report.error(
        node.mark, path.text, type == .null ? "a key is missing" : "the key \(text) is \(what), not text",
        hint: isPort
          ? "between two ports there is no space: \(text):PORT"
          : type == .null ? nil : "write it in quotes: \"\(text)\"")
      return Frame.Key(text: text, mark: node.mark, kind: .invalid)
    }
    return Frame.Key(text: text, mark: node.mark, kind: .ordinary)
  }

  private mutating func append(_ node: Node, to last: Int, key: Frame.Key) {
    if let first = frames[last].place(of: key.text) {
      reportTwice(key, first, hint: "keep one of the two, or join them")
    } else {
      frames[last].add(Node.Member(key.text, at: key.mark, node))
    }
  }

  private mutating func reportTwice(_ key: Frame.Key, _ first: Mark, hint: String) {
    frames[frames.count - 1].key = key
    let path = path.text
    frames[frames.count - 1].key = nil
    report.error(
      key.mark, path, "the key \"\(key.text)\" is given twice", hint: "the first is in line \(first.line); \(hint)")
  }

  private mutating func merge(_ node: Node, _ key: Frame.Key) {
    if let first = frames[frames.count - 1].firstMerge {
      return reportTwice(key, first, hint: "write both in one list: <<: [*a, *b]")
    }
    frames[frames.count - 1].firstMerge = key.mark
    let mark = key.mark
    let sources: [Node]
    switch node.content {
    case .mapping: sources = [node]
    case .sequence(let items): sources = items
    case .scalar: sources = []
    }
    for source in sources {
      if case .mapping = source.content { frames[frames.count - 1].addMerge(source) }
    }
    let isRight = sources.allSatisfy { if case .mapping = $0.content { true } else { false } }
    if !isRight || (sources.isEmpty && node.text != nil) || (node.isNull && !node.isWrong) {
      report.error(
        mark, path.text, "<< needs a mapping, or a list of mappings",
        hint: node.text.flatMap { anchors[$0] == nil ? nil : "write <<: *\($0)" } ?? "for example <<: *defaults")
    }
  }

  private var path: DocumentPath {
    var path = DocumentPath()
    for frame in frames {
      if frame.isMapping {
        if let key = frame.key { path.push(key.text) }
      } else {
        path.push(frame.items.count)
      }
    }
    return path
  }
}
