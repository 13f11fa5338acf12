import LinuxSystem

/// Which device nodes the processes of a group may make and use.
package struct DeviceRules: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    case character = "c"
    case block = "b"
  }

  package struct Access: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The values are those of BPF_DEVCG_ACC_*.
    package static let mknod = Access(rawValue: 1)
    package static let read = Access(rawValue: 2)
    package static let write = Access(rawValue: 4)
    package static let all: Access = [.mknod, .read, .write]

    /// Reads some of the letters `rwm`, at least one; nil for anything else.
    package init?(_ letters: String) {
      self = []
      for letter in letters {
        switch letter {
        case "r": insert(.read)
        case "w": insert(.write)
        case "m": insert(.mknod)
        default: return nil
        }
      }
      if isEmpty { return nil }
    }

    package var letters: String {
      "\(contains(.read) ? "r" : "")\(contains(.write) ? "w" : "")\(contains(.mknod) ? "m" : "")"
    }
  }

  /// Something that is allowed.
  package struct Rule: Hashable, Sendable {
    package var kind: Kind
    /// nil is any.
    package var major: UInt32?
    /// nil is any.
    package var minor: UInt32?
    package var access: Access

    package init(_ kind: Kind, _ major: UInt32?, _ minor: UInt32?, _ access: Access = .all) {
      self.kind = kind
      self.major = major
      self.minor = minor
      self.access = access
    }
  }

  /// Everything is allowed, whatever the rules are: a privileged container.
  package var allowsAll: Bool
  package var allowed: [Rule]

  package init(allowsAll: Bool = false, allowed: [Rule]) {
    self.allowsAll = allowsAll
    self.allowed = allowed
  }

  package static let all = DeviceRules(allowsAll: true, allowed: [])

  /// What every container may use, as under docker: the devices that its /dev has, terminals, and making nodes (not using
  /// them), which package managers do.
  package static let containerDefault = DeviceRules(allowed: [
    Rule(.character, nil, nil, .mknod), Rule(.block, nil, nil, .mknod),
    Rule(.character, 1, 3), Rule(.character, 1, 5), Rule(.character, 1, 7),  // null, zero, full
    Rule(.character, 1, 8), Rule(.character, 1, 9),  // random, urandom
    Rule(.character, 5, 0), Rule(.character, 5, 1), Rule(.character, 5, 2),  // tty, console, ptmx
    Rule(.character, 136, nil),  // pts/*
  ])

  /// What version 1's controller is told, in order: nothing, then each rule.
  package var legacyWrites: [(file: String, value: String)] {
    if allowsAll { return [("devices.allow", "a")] }
    return [("devices.deny", "a")]
      + allowed.map { rule in
        let major = rule.major.map { "\($0)" } ?? "*"
        let minor = rule.minor.map { "\($0)" } ?? "*"
        return ("devices.allow", "\(rule.kind.rawValue) \(major):\(minor) \(rule.access.letters)")
      }
  }
}

/// One of an ordered list of rules: what is allowed, or what is not.
package struct DeviceDecision: Hashable, Sendable {
  package var isAllowed: Bool
  /// nil is both kinds.
  package var kind: DeviceRules.Kind?
  package var major: UInt32?
  package var minor: UInt32?
  package var access: DeviceRules.Access

  package init(
    isAllowed: Bool, _ kind: DeviceRules.Kind?, _ major: UInt32?, _ minor: UInt32?, _ access: DeviceRules.Access = .all
  ) {
    self.isAllowed = isAllowed
    self.kind = kind
    self.major = major
    self.minor = minor
    self.access = access
  }

  /// Whether it matches everything.
  var isUnconditional: Bool { kind == nil && major == nil && minor == nil && access == .all }

  /// As version 1's controller is told.
  var legacyText: String {
    guard let kind else { return "a *:* \(access.letters)" }
    let major = major.map { "\($0)" } ?? "*"
    let minor = minor.map { "\($0)" } ?? "*"
    return "\(kind.rawValue) \(major):\(minor) \(access.letters)"
  }
}

extension DeviceRules: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(allowsAll: try reader.value(), allowed: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(allowsAll)
    writer.value(allowed)
  }
}

extension DeviceRules.Rule: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    guard let kind = DeviceRules.Kind(rawValue: try reader.value()) else { throw reader.error("a kind of device") }
    self.init(
      kind, try reader.value(), try reader.value(), DeviceRules.Access(rawValue: try reader.integer(UInt8.self)))
  }
  package func write(to writer: inout WireWriter) {
    writer.value(kind.rawValue)
    writer.value(major)
    writer.value(minor)
    writer.integer(access.rawValue)
  }
}
