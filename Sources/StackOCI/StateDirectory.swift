import Glibc
import LinuxCgroup
import LinuxSystem
import SystemPackage

/// Where containers are kept: a directory for each, with its record, its configuration, and the socket that it waits at.
struct StateDirectory {
  let path: String
  /// Somebody has named it, and means one that is there.
  var isChosen = false

  private static let recordName = "record"
  private static let configurationName = "config.json"
  static let gateName = "start"

  /// Filters that were compiled before, for all containers.
  var filters: String { "\(path)/.filters" }

  func directory(of id: String) -> String { "\(path)/\(id)" }

  /// A name that is one name of a file, a cgroup and a table's column.
  static func check(_ id: String) throws {
    let isPlain = id.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "."), 0x2d:
        true
      default: false
      }
    }
    guard isPlain, !id.isEmpty, id.utf8.count <= 200, !id.hasPrefix("."), !id.hasPrefix("-") else {
      let reason = isPlain ? "empty, too long, or begins with . or -" : "invalid character"
      throw OCIError("invalid container ID format: \"\(id.prefix(80))\": \(reason) in the container ID")
    }
  }

  /// Takes a name for a new container.
  func claim(_ id: String) throws {
    try Self.check(id)
    try Files.makeDirectories(path, mode: 0o700)
    guard try Files.makeDirectory(directory(of: id), mode: 0o700) else {
      throw OCIError("container with given ID already exists: \(id)")
    }
  }

  func listen(for id: String) throws -> SharedDescriptor {
    let directory = try Files.open(directory(of: id), O_PATH | O_DIRECTORY)
    return SharedDescriptor(try LocalSocket.listen(Self.gateName, in: directory.borrowed))
  }

  /// Connects to a container that waits to be started; nil when it does not.
  func connect(to id: String) throws(SystemCallError) -> SharedDescriptor? {
    let directory = try Files.open(directory(of: id), O_PATH | O_DIRECTORY)
    do throws(SystemCallError) {
      return SharedDescriptor(try LocalSocket.connect(Self.gateName, in: directory.borrowed))
    } catch  where [.noSuchFileOrDirectory, .connectionRefused].contains(error.errno) {
      return nil
    }
  }

  /// There is nothing to wait for any more.
  func removeGate(of id: String) throws {
    try Files.removeFile("\(directory(of: id))/\(Self.gateName)")
  }

  func write(_ record: ContainerRecord, configuration: [UInt8]?) throws {
    let directory = directory(of: record.id)
    if let configuration { try Files.replace("\(directory)/\(Self.configurationName)", with: configuration) }
    try Files.replace("\(directory)/\(Self.recordName)", with: record.wireBytes)
  }

  /// - Throws: when there is no such container.
  func record(of id: String) throws -> ContainerRecord {
    guard let record = try recordIfPresent(of: id) else { throw OCIError("container \(id) does not exist") }
    return record
  }

  /// nil for a container that is unknown, or that is only being created.
  func recordIfPresent(of id: String) throws -> ContainerRecord? {
    try Self.check(id)
    guard let bytes = try Files.readIfPresent("\(directory(of: id))/\(Self.recordName)") else { return nil }
    return try ContainerRecord(wireBytes: bytes)
  }

  func configuration(of id: String) throws -> OCIConfiguration {
    try OCIConfiguration(bytes: try Files.readAll("\(directory(of: id))/\(Self.configurationName)"))
  }

  func status(of record: ContainerRecord) throws(SystemCallError) -> ContainerStatus {
    guard try record.process.isAlive else { return .stopped }
    if Files.exists("\(directory(of: record.id))/\(Self.gateName)") { return .created }
    // A group that cannot be read is not frozen.
    return (try? record.group.isFrozen) == true ? .paused : .running
  }

  func exists(_ id: String) -> Bool { Files.exists(directory(of: id)) }

  func remove(_ id: String) throws { try Files.removeTree(directory(of: id)) }

  var ids: [String] {
    get throws {
      let names = isChosen ? try Files.names(in: path) : try Files.namesIfPresent(in: path)
      return names.filter { !$0.hasPrefix(".") }
    }
  }
}
