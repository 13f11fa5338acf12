import LinuxSystem

/// The state of one project: a directory with one directory a container.
///
/// ```
/// projects/NAME/networks                 the networks with their subnets    (NetworkRecord list)
/// projects/NAME/supervisor               the process that reacts    (ProcessIdentity), and its lock
/// projects/NAME/containers/CONTAINER/
///   spec      what the engine runs       (ContainerSpecification)  written by up
///   record    what the stack knows of it (ContainerRecord)         written by up
///   shim      the process that keeps it  (ProcessIdentity)         written by whoever spawns the shim, before it may act
///   state     the running process        (RunRecord)               written by the shim
///   exit      how it ended               (ExitRecord)              written by the shim
///   life      health and restarts        (LifeRecord)              written by the supervisor
///   paused    it is frozen               (empty)                   written by commands
///   halt      it is to stay stopped      (empty)                   written by commands
///   upper work                           the writable layer
/// ```
/// Every file is replaced as a whole. A pid in a file is never trusted without its start time.
package struct ProjectDirectory: Hashable, Sendable {
  package let name: String
  package let path: String
  /// Logs are kept on the disk, not in memory: `logs/NAME/CONTAINER/RUN.log`.
  package let logs: String

  package func container(_ name: String) -> ContainerDirectory {
    ContainerDirectory(name: name, path: "\(path)/containers/\(name)", logs: "\(logs)/\(name)")
  }

  /// The directories of all containers, in the order of their names. Empty without state.
  package func containers() throws(SystemCallError) -> [ContainerDirectory] {
    try Files.namesIfPresent(in: "\(path)/containers").map(container)
  }

  package var exists: Bool { Files.exists(path) }
  package var containersPath: String { "\(path)/containers" }
  package var supervisorPath: String { "\(path)/supervisor" }

  package func readNetworks() throws -> [NetworkRecord] {
    guard let bytes = try Files.readIfPresent("\(path)/networks") else { return [] }
    return try [NetworkRecord](wireBytes: bytes)
  }

  package func write(_ networks: [NetworkRecord]) throws(SystemCallError) {
    try Files.makeDirectories(path)
    try Files.replace("\(path)/networks", with: networks.wireBytes)
  }

  /// Removes what is known of the containers, and their logs.
  package func removeContainers() throws(SystemCallError) {
    try Files.removeTree("\(path)/containers")
    try Files.removeTree(logs)
  }

  /// Removes the state and the logs.
  package func remove() throws(SystemCallError) {
    try Files.removeTree(path)
    try Files.removeTree(logs)
  }
}

/// The files of one container.
package struct ContainerDirectory: Hashable, Sendable {
  package let name: String
  package let path: String
  package let logs: String

  package init(name: String, path: String, logs: String) {
    self.name = name
    self.path = path
    self.logs = logs
  }

  /// The directory at `path`, as a shim is told it.
  package init(path: String, logs: String) {
    self.init(name: path.split(separator: "/").last.map(String.init) ?? path, path: path, logs: logs)
  }

  package func make() throws(SystemCallError) { try Files.makeDirectories(path) }

  /// What kind of record a file holds.
  package struct Kind<Record: WireCodable>: Sendable {
    let file: String
  }

  /// Reads a record; nil when there is none.
  package func read<Record: WireCodable>(_ kind: Kind<Record>) throws -> Record? {
    guard let bytes = try Files.readIfPresent("\(path)/\(kind.file)") else { return nil }
    return try Record(wireBytes: bytes)
  }

  /// What the engine runs, in its own binary form.
  package func write(specification: [UInt8]) throws(SystemCallError) {
    try Files.replace("\(path)/spec", with: specification)
  }

  package func readSpecification() throws(SystemCallError) -> [UInt8] {
    try Files.readAll("\(path)/spec")
  }

  package func write<Record: WireCodable>(_ kind: Kind<Record>, _ record: Record) throws(SystemCallError) {
    try Files.replace("\(path)/\(kind.file)", with: record.wireBytes)
  }

  package func remove<Record>(_ kind: Kind<Record>) throws(SystemCallError) {
    try Files.removeFile("\(path)/\(kind.file)")
  }

  /// Removes the container's state; its logs too.
  package func remove() throws(SystemCallError) {
    try Files.removeTree(path)
    try Files.removeTree(logs)
  }
}

extension ContainerDirectory.Kind where Record == ContainerRecord {
  package static var record: Self { .init(file: "record") }
}
extension ContainerDirectory.Kind where Record == ProcessIdentity {
  package static var shim: Self { .init(file: "shim") }
}
extension ContainerDirectory.Kind where Record == RunRecord {
  package static var state: Self { .init(file: "state") }
}
extension ContainerDirectory.Kind where Record == ExitRecord {
  package static var exit: Self { .init(file: "exit") }
}
