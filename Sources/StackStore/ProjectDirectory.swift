import Glibc
import LinuxSystem

/// The state of one project: a directory with one directory a container.
///
/// ```
/// projects/NAME/networks              the networks with their subnets (NetworkRecord list)
/// projects/NAME/users                 the first of the numbers of its user namespaces, and how many; with such services only
/// projects/NAME/supervisor            the process that reacts: ProcessIdentity; also its lock
/// projects/NAME/owner                 the process with which it is to end: ProcessIdentity; of `stack test` only
/// projects/NAME/containers/CONTAINER/
///   container    what it is: ContainerRecord, and what the engine runs     written by up
///   run          what became of it: RunFile                                begun by who makes the shim, continued by the shim
///   life         health and restarts: LifeRecord                           written by the supervisor, where there is something to know
///   halt         it is to stay stopped                                     made by commands
///   paused       it is frozen                                              made by commands
///   hooks        socket that takes what its hooks write for its log      made by the shim, where there are hooks
///   attach       socket that gives its standard input away                 made by the shim, where there is an input
///   upper work   the writable layer
/// ```
/// Few files, because making one is what costs most where this is on a disk. `run` grows by whole records; every other file is
/// replaced as a whole. A pid in a file is never trusted without its start time.
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

  /// The process with which the stack is to end; nil when it has none.
  package func readOwner() throws -> ProcessIdentity? {
    guard let bytes = try Files.readIfPresent("\(path)/owner"), !bytes.isEmpty else { return nil }
    return try ProcessIdentity(wireBytes: bytes)
  }

  package func write(owner: ProcessIdentity) throws(SystemCallError) {
    try Files.replace("\(path)/owner", with: owner.wireBytes)
  }

  package func removeOwner() throws(SystemCallError) { try Files.removeFile("\(path)/owner") }

  /// The networks as they were made last.
  /// - Throws: `DamagedRecord`, `SystemCallError`.
  package func readNetworks() throws -> [NetworkRecord] {
    let file = "\(path)/networks"
    guard let bytes = try Files.readIfPresent(file), !bytes.isEmpty else { return [] }
    return try DamagedRecord.naming(file) { () throws(WireError) in try [NetworkRecord](wireBytes: bytes) }
  }

  /// The networks as they were made last; none when that can no longer be read.
  package func readableNetworks() throws -> [NetworkRecord] {
    do { return try readNetworks() } catch is DamagedRecord { return [] }
  }

  package func write(_ networks: [NetworkRecord]) throws(SystemCallError) {
    try Files.makeDirectories(path)
    try Files.replace("\(path)/networks", with: networks.wireBytes)
  }

  /// The numbers that the machine has for the users of its containers; nil when it has none yet.
  package func readUsers() throws -> (base: UInt32, count: UInt32)? {
    guard let bytes = try Files.readIfPresent("\(path)/users"), !bytes.isEmpty else { return nil }
    var reader = WireReader(bytes)
    let base = try reader.integer(UInt32.self)
    // At first there was no other count.
    return (base, try reader.isAtEnd ? 65536 : reader.integer(UInt32.self))
  }

  package func write(usersFrom base: UInt32, count: UInt32) throws(SystemCallError) {
    var writer = WireWriter()
    writer.integer(base)
    writer.integer(count)
    try Files.makeDirectories(path)
    try Files.replace("\(path)/users", with: writer.bytes)
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

  /// The socket of those who attach, in this directory.
  package static let attachName = "attach"

  /// The container's standard input: its terminal, or a pipe. nil when it has none that is open.
  package func openInput() throws(SystemCallError) -> SharedDescriptor? {
    guard Files.exists("\(path)/\(Self.attachName)") else { return nil }
    let directory = try Files.open(path, O_PATH | O_DIRECTORY)
    let socket = try LocalSocket.connect(Self.attachName, in: directory.borrowed)
    return try Message.receiveWithDescriptor(over: socket.borrowed)?.descriptor
  }

  /// The socket of what hooks write, in this directory.
  package static let hooksName = "hooks"

  /// Where the output of the container's hooks goes into its log.
  package func connectToHooks() throws(SystemCallError) -> SharedDescriptor {
    let directory = try Files.open(path, O_PATH | O_DIRECTORY)
    return SharedDescriptor(try LocalSocket.connect(Self.hooksName, in: directory.borrowed))
  }

  /// A kind of record, and where it is.
  package struct Kind<Record>: Sendable {
    let file: String
    let parse: @Sendable (_ content: [UInt8]) throws(WireError) -> Record?
  }

  /// Reads a record; nil when there is none.
  /// - Throws: `DamagedRecord`, `SystemCallError`.
  package func read<Record>(_ kind: Kind<Record>) throws -> Record? {
    // A file without content is one that is being made at this moment: there is no record yet.
    let file = "\(path)/\(kind.file)"
    guard let bytes = try Files.readIfPresent(file), !bytes.isEmpty else { return nil }
    return try DamagedRecord.naming(file) { () throws(WireError) in try kind.parse(bytes) }
  }

  package func remove<Record>(_ kind: Kind<Record>) throws(SystemCallError) {
    try Files.removeFile("\(path)/\(kind.file)")
  }

  /// Writes what the container is.
  /// - Parameter specification: what the engine runs, in its own binary form.
  package func write(_ record: ContainerRecord, specification: [UInt8]) throws(SystemCallError) {
    try Files.replace("\(path)/container", with: ContainerFile(record: record, specification: specification).wireBytes)
  }

  /// What the engine runs, in its own binary form.
  package func readSpecification() throws -> [UInt8] { try readBoth().specification }

  /// What the container is, and what the engine runs.
  package func readBoth() throws -> (record: ContainerRecord, specification: [UInt8]) {
    let file = try ContainerFile(wireBytes: try Files.readAll("\(path)/container"))
    return (file.record, file.specification)
  }

  /// Removes the container's state; its logs too.
  package func remove() throws(SystemCallError) {
    try Files.removeTree(path)
    try Files.removeTree(logs)
  }
}

extension ContainerDirectory.Kind where Record == ContainerRecord {
  package static var record: Self {
    .init(file: "container") { bytes throws(WireError) in try ContainerFile(wireBytes: bytes).record }
  }
}
extension ContainerDirectory.Kind where Record == RunFile {
  package static var run: Self { .init(file: "run") { bytes throws(WireError) in try RunFile(bytes) } }
}
extension ContainerDirectory.Kind where Record == RunRecord {
  package static var state: Self { .init(file: "run") { bytes throws(WireError) in try RunFile(bytes).started } }
}
extension ContainerDirectory.Kind where Record == ExitRecord {
  package static var exit: Self { .init(file: "run") { bytes throws(WireError) in try RunFile(bytes).ended } }
}

/// A container as `up` makes it.
struct ContainerFile {
  let record: ContainerRecord
  let specification: [UInt8]
}

extension ContainerFile: WireCodable {
  init(from reader: inout WireReader) throws(WireError) {
    self.init(record: try reader.value(), specification: try reader.data())
  }
  func write(to writer: inout WireWriter) {
    writer.value(record)
    writer.data(specification)
  }
}
