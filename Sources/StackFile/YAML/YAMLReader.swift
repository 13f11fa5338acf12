import CYAML

/// One event of a YAML stream (libyaml's `yaml_event_t`), with its place.
struct YAMLEvent {
  enum Kind {
    case streamStart
    case streamEnd
    case documentStart
    case documentEnd
    case alias(String)
    case scalar(String, anchor: String?, tag: String?, isPlain: Bool)
    case sequenceStart(anchor: String?, tag: String?)
    case sequenceEnd
    case mappingStart(anchor: String?, tag: String?)
    case mappingEnd
  }

  var kind: Kind
  var start: YAMLPosition
  var end: YAMLPosition
}

/// libyaml's `yaml_mark_t`: lines and columns from 0, columns in characters.
struct YAMLPosition: Equatable {
  var line: Int
  var column: Int
}

/// Why libyaml gave up.
struct YAMLFailure: Error {
  var problem: String
  var position: YAMLPosition
  var context: String?
  var contextPosition: YAMLPosition
  /// Set when bytes, not YAML, were wrong.
  var byteOffset: Int?
}

/// Reads the events of a YAML stream one by one.
///
/// The only place of this module where memory is C's: the parser and its input live as long as this value.
@safe struct YAMLReader: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>
  private let isReady: Bool

  /// Copies `bytes`, which are UTF-8.
  init(_ bytes: [UInt8]) {
    unsafe input = .allocate(capacity: max(1, bytes.count))
    _ = unsafe input.update(fromContentsOf: bytes)
    unsafe parser = .allocate(capacity: 1)
    unsafe parser.initialize(to: yaml_parser_t())
    isReady = unsafe yaml_parser_initialize(parser) == 1
    if isReady {
      unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
      unsafe yaml_parser_set_input_string(parser, UnsafePointer(input.baseAddress), bytes.count)
    }
  }

  deinit {
    if isReady { unsafe yaml_parser_delete(parser) }
    unsafe parser.deallocate()
    unsafe input.deallocate()
  }

  /// The next event. After `streamEnd` or a failure there is none: do not call again.
  mutating func next() throws(YAMLFailure) -> YAMLEvent {
    guard isReady else {
      throw YAMLFailure(
        problem: "out of memory", position: YAMLPosition(line: 0, column: 0), context: nil,
        contextPosition: YAMLPosition(line: 0, column: 0), byteOffset: nil)
    }
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
    defer { unsafe yaml_event_delete(&event) }
    let start = unsafe Self.position(event.start_mark)
    let end = unsafe Self.position(event.end_mark)
    return unsafe YAMLEvent(kind: Self.kind(event), start: start, end: end)
  }

  private static func kind(_ event: yaml_event_t) -> YAMLEvent.Kind {
    switch unsafe event.type {
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_ALIAS_EVENT: return .alias(unsafe text(event.data.alias.anchor) ?? "")
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      return .scalar(
        unsafe String(decoding: bytes, as: UTF8.self), anchor: unsafe text(scalar.anchor), tag: unsafe text(scalar.tag),
        isPlain: unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE)
    case YAML_SEQUENCE_START_EVENT:
      let start = unsafe event.data.sequence_start
      return .sequenceStart(anchor: unsafe text(start.anchor), tag: unsafe text(start.tag))
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      let start = unsafe event.data.mapping_start
      return .mappingStart(anchor: unsafe text(start.anchor), tag: unsafe text(start.tag))
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    case YAML_STREAM_START_EVENT: return .streamStart
    default: return .streamEnd
    }
  }

  private func failure() -> YAMLFailure {
    let state = unsafe parser
    let isReaderError = unsafe state.pointee.error == YAML_READER_ERROR
    return YAMLFailure(
      problem: unsafe state.pointee.problem.map { unsafe String(cString: $0) } ?? "not valid YAML",
      position: unsafe Self.position(state.pointee.problem_mark),
      context: unsafe state.pointee.context.map { unsafe String(cString: $0) },
      contextPosition: unsafe Self.position(state.pointee.context_mark),
      byteOffset: isReaderError ? unsafe Int(state.pointee.problem_offset) : nil)
  }

  private static func position(_ mark: yaml_mark_t) -> YAMLPosition {
    YAMLPosition(line: Int(mark.line), column: Int(mark.column))
  }

  private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    guard let pointer = unsafe pointer else { return nil }
    return unsafe String(cString: pointer)
  }
}
