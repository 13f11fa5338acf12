import LinuxSystem

/// The five capability sets of a process (capabilities(7), "Thread capability sets").
package struct CapabilityState: Hashable, Sendable {
  package var bounding: CapabilitySet
  package var effective: CapabilitySet
  package var permitted: CapabilitySet
  package var inheritable: CapabilitySet
  package var ambient: CapabilitySet

  package init(
    bounding: CapabilitySet, effective: CapabilitySet, permitted: CapabilitySet, inheritable: CapabilitySet = [],
    ambient: CapabilitySet = []
  ) {
    self.bounding = bounding
    self.effective = effective
    self.permitted = permitted
    self.inheritable = inheritable
    self.ambient = ambient
  }

  /// The state for a container that may use `granted`.
  ///
  /// Inheritable and ambient are empty: a non-empty inheritable set gives capabilities to programs with file capabilities
  /// that nobody meant to give (CVE-2022-24769). A process that is not root therefore loses its capabilities at execve(2),
  /// as it does under docker.
  package init(granting granted: CapabilitySet) {
    self.init(bounding: granted, effective: granted, permitted: granted)
  }
}

extension CapabilityState: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(
      bounding: try reader.value(), effective: try reader.value(), permitted: try reader.value(),
      inheritable: try reader.value(), ambient: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    for set in [bounding, effective, permitted, inheritable, ambient] { writer.value(set) }
  }
}

/// What `cap_add`, `cap_drop` and `privileged` come to.
package struct CapabilityGrant: Hashable, Sendable {
  package let granted: CapabilitySet
  /// Asked for by name, but not to be had on this machine: worth a warning.
  package let unavailable: CapabilitySet

  /// Resolves a service's wishes as docker does.
  ///
  /// * `privileged` grants everything, whatever else is asked.
  /// * `add: ALL` grants everything but what is dropped by name.
  /// * `drop: ALL` leaves just what is added.
  /// * Otherwise the base loses what is dropped, and then gains what is added: what is in both lists is granted.
  ///
  /// - Parameter available: what may be granted at all, usually the caller's own bounding set: a capability that the engine
  ///   does not have cannot be given on, and asking the kernel for it would fail the start.
  /// - Throws: all names that no capability has, at once.
  package static func resolve(
    add: [String], drop: [String], privileged: Bool = false, base: CapabilitySet = .containerDefault,
    available: CapabilitySet
  ) throws(UnknownCapabilities) -> CapabilityGrant {
    var unknown: [String] = []
    let added = Wish(add, unknown: &unknown)
    let dropped = Wish(drop, unknown: &unknown)
    guard unknown.isEmpty else { throw UnknownCapabilities(names: unknown) }
    let wanted: CapabilitySet =
      if privileged {
        available
      } else if added.all {
        available.subtracting(dropped.named)
      } else if dropped.all {
        added.named
      } else {
        base.subtracting(dropped.named).union(added.named)
      }
    return CapabilityGrant(
      granted: wanted.intersection(available), unavailable: added.named.intersection(wanted).subtracting(available))
  }

  /// One of the two lists, read.
  private struct Wish {
    var all = false
    var named: CapabilitySet = []

    init(_ names: [String], unknown: inout [String]) {
      for name in names {
        if CapabilityName.isAll(name) {
          all = true
        } else if let number = CapabilityName.number(of: name) {
          named.insert(CapabilitySet(number: number))
        } else {
          unknown.append(name)
        }
      }
    }
  }
}
