import JSONDocument

/// A value of a document with its place, and where problems are collected.
///
/// What is absent, and what is null, is nil everywhere; what has another type is reported, and nil too.
struct Field {
  final class Problems {
    private(set) var list: [String] = []
    func add(_ place: String, _ reason: String) { list.append("\(place): \(reason)") }
  }

  let value: JSON
  let place: String
  let problems: Problems

  func report(_ reason: String) { problems.add(place.isEmpty ? "config.json" : place, reason) }

  subscript(name: String) -> Field? {
    guard case .object(let members) = value else {
      report("is not an object")
      return nil
    }
    guard let found = members.last(where: { $0.name == name })?.value, found != .null else { return nil }
    return Field(value: found, place: place.isEmpty ? name : "\(place).\(name)", problems: problems)
  }

  var isObject: Bool {
    if case .object = value { return true }
    report("is not an object")
    return false
  }

  var string: String? {
    if case .string(let text) = value {
      // The kernel's strings end at a zero.
      if text.utf8.contains(0) {
        report("holds a null character")
        return nil
      }
      return text
    }
    report("is not a string")
    return nil
  }

  var bool: Bool? {
    if case .bool(let value) = value { return value }
    report("is not a boolean")
    return nil
  }

  func integer<Value: FixedWidthInteger>(_: Value.Type = Value.self) -> Value? {
    if case .number(let text) = value, let number = Value(text) { return number }
    report("is not an integer of the allowed range")
    return nil
  }

  var list: [Field] {
    guard case .array(let values) = value else {
      report("is not a list")
      return []
    }
    return values.enumerated().map { Field(value: $1, place: "\(place)[\($0)]", problems: problems) }
  }

  var strings: [String] { list.compactMap(\.string) }

  /// The members of an object, in order.
  var members: [(name: String, field: Field)] {
    guard isObject, case .object(let members) = value else { return [] }
    return members.map { ($0.name, Field(value: $0.value, place: "\(place).\($0.name)", problems: problems)) }
  }
}
