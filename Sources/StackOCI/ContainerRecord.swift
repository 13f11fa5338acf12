import Glibc
import IsolationEngine
import JSONDocument
import LinuxCgroup
import LinuxSystem
import SystemPackage

/// What is kept about a container between two commands. Its configuration lies beside it.
struct ContainerRecord: WireCodable {
  var id: String
  var bundle: String
  var rootDirectory: String
  /// RFC 3339.
  var created: String
  var owner: String
  var process: ProcessIdentity
  var annotations: [String]
  var cgroup: [String]
  /// Whether there is something to be run when the container has started or is gone.
  var hasLaterHooks = false
  /// Whether it can be started: `process` of a configuration may be missing until then.
  var hasProgram = true
  /// Its PID namespace is not its own, so that its first process does not take the others with it.
  var sharesProcesses = false

  init(
    id: String, bundle: String, rootDirectory: String, process: ProcessIdentity, annotations: [String: String],
    cgroup: [String]
  ) {
    self.id = id
    self.bundle = bundle
    self.rootDirectory = rootDirectory
    self.process = process
    self.annotations = annotations.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
    self.cgroup = cgroup
    created = Timestamp.now()
    owner = getuid() == 0 ? "root" : "\(getuid())"
  }

  init(from reader: inout WireReader) throws(WireError) {
    id = try reader.value()
    bundle = try reader.value()
    rootDirectory = try reader.value()
    created = try reader.value()
    owner = try reader.value()
    process = try reader.value()
    annotations = try reader.value()
    cgroup = try reader.value()
    hasLaterHooks = try reader.value()
    hasProgram = try reader.value()
    sharesProcesses = try reader.value()
  }

  func write(to writer: inout WireWriter) {
    writer.value(id)
    writer.value(bundle)
    writer.value(rootDirectory)
    writer.value(created)
    writer.value(owner)
    writer.value(process)
    writer.value(annotations)
    writer.value(cgroup)
    writer.value(hasLaterHooks)
    writer.value(hasProgram)
    writer.value(sharesProcesses)
  }

  var group: Cgroup {
    get throws { try CommonGroup.group(cgroup) }
  }

  /// The document that `state` prints and hooks are told.
  func state(_ status: ContainerStatus, pid: pid_t) -> [JSON.Member] {
    var members: [JSON.Member] = [
      .init(name: "ociVersion", value: .string(Self.specificationVersion)), .init(name: "id", value: .string(id)),
      .init(name: "status", value: .string(status.rawValue)),
    ]
    if status != .stopped { members.append(.init(name: "pid", value: .integer(pid))) }
    members.append(.init(name: "bundle", value: .string(bundle)))
    if !annotations.isEmpty {
      let pairs = stride(from: 0, to: annotations.count - 1, by: 2).map {
        JSON.Member(name: annotations[$0], value: .string(annotations[$0 + 1]))
      }
      members.append(.init(name: "annotations", value: .object(pairs)))
    }
    return members
  }

  static let specificationVersion = "1.2.1"
}

/// The group of all containers whose bundles do not say, or not from the root on, which one is theirs.
enum CommonGroup {
  static let name = "stack-oci"

  static func group(_ path: [String]) throws -> Cgroup { try Cgroup(try CgroupHierarchy.current(), components: path) }

  /// Takes away what held a container's group, which is gone, and now holds nothing.
  static func removeEmpty(above path: [String]) throws {
    if path.first == name { try group(path).removeEmptyParents() }
  }
}

/// The states of the runtime specification, and `paused`.
enum ContainerStatus: String {
  case creating, created, running, paused, stopped
}

enum Timestamp {
  /// The time in UTC with nanoseconds (RFC 3339).
  static func now() -> String {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    var fields = unsafe tm()
    _ = unsafe gmtime_r(&time.tv_sec, &fields)
    func padded(_ number: some BinaryInteger, _ width: Int) -> String {
      let digits = "\(number)"
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let date = unsafe "\(fields.tm_year + 1900)-\(padded(fields.tm_mon + 1, 2))-\(padded(fields.tm_mday, 2))"
    let clock = unsafe "\(padded(fields.tm_hour, 2)):\(padded(fields.tm_min, 2)):\(padded(fields.tm_sec, 2))"
    return "\(date)T\(clock).\(padded(time.tv_nsec, 9))Z"
  }
}
