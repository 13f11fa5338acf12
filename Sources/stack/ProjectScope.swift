import ArgumentParser
import StackEngine
import StackFile
import StackModel
import StackStore

/// The project, and what of it a command acts on that names no services.
struct ProjectScope {
  let name: String
  /// As docker compose has it: the services of the file, so that several files can be one project; nil, where only a name is
  /// given, is all that there is.
  let services: [Service]?
}

extension Project {
  /// The name alone does where it is an option and no file is. Beside a name that is a variable there may be a file.
  func scope() throws -> ProjectScope {
    if let name = try nameWithoutFile() {
      return ProjectScope(name: name, services: options.projectName == nil ? load(reports: false).stack?.services : nil)
    }
    // What is not acted on was said by `up`.
    let stack = try stack(warns: false)
    return ProjectScope(name: stack.name, services: stack.services)
  }

  /// The same for a command that may name services: then the file is only read for the name.
  func scope(naming services: [String]) throws -> ProjectScope {
    try services.isEmpty ? scope() : ProjectScope(name: name(), services: nil)
  }

  /// The services to act on among those that are named, or in the scope: those that have containers; empty is all.
  /// - Parameter isMeant: which of the scope's are meant when none is named.
  /// - Returns: nil when none of them has a container.
  func acting(
    on services: [String], in scope: ProjectScope, where isMeant: (Service) -> Bool = { _ in true }
  ) throws -> [String]? {
    if !services.isEmpty { return try acting(on: services, of: scope.name) }
    guard let own = scope.services else { return [] }
    let present = Set(try paths.project(scope.name).statuses().compactMap { $0.record?.service })
    let meant = Set(own.filter(isMeant).map(\.name))
    if !present.isEmpty, present.isSubset(of: meant) { return [] }
    let acting = present.intersection(meant).sorted()
    return acting.isEmpty ? nil : acting
  }

  /// Runs an operation on the named services, else on those of the file (`scope`), as far as they have containers; nothing is
  /// done when none has. What is wrong is reported.
  /// - Parameter absent: what is done instead when none of them is there.
  func actingOnFile(
    on services: [String], where isMeant: (Service) -> Bool = { _ in true }, absent: () throws -> Void = {},
    _ operation: (_ name: String, _ services: [String]) throws -> Void
  ) throws {
    let scope = try scope(naming: services)
    try reporting {
      guard let services = try acting(on: services, in: scope, where: isMeant) else { return try absent() }
      try operation(scope.name, services)
    }
  }
}
