import Glibc
import InternetAddress
import IsolationEngine
import LinuxSystem
import StackDNS
import StackStore
import SystemPackage

/// Keeps the names of a stack true while containers come and go: those that the name server answers, and those in the hosts
/// files, with which containers make do when there is no supervisor.
final class NameService {
  /// Changes are gathered for so long before hosts files are written: much ends together. Nanoseconds.
  private static let gathering: UInt64 = 20_000_000

  let server = NameServer()
  private let directory: ProjectDirectory
  private var networks: [NetworkRecord] = []
  /// Whether the name server knows what is so.
  private var isCurrent = false
  /// When the hosts files have to be written; nil when they are true.
  private var hostsDue: UInt64?
  /// Addresses that were taken out of the hosts files.
  private var absent: Set<IPv4Address> = []

  private let neighbours: Neighbours

  init(project: String, paths: StatePaths) {
    directory = paths.project(project)
    neighbours = Neighbours(paths: paths, project: project)
  }

  var deadline: UInt64? { [server.deadline, hostsDue].compactMap { $0 }.min() }

  /// Looks at the networks again.
  func refreshNetworks() {
    // What cannot be read is being written: that is told too.
    guard let records = try? directory.readNetworks(), records != networks else { return }
    networks = records
    isCurrent = false
    // On a network of others, others answer.
    server.serve(records.filter { !$0.isExternal })
  }

  /// Which containers there are, or which of them run, is another.
  func changed() { isCurrent = false }

  /// A container has ended, or runs.
  func changed(ended: Bool) {
    isCurrent = false
    // At a start the files are complete: what changes them is what ends, and what comes back.
    if ended || !absent.isEmpty, hostsDue == nil { hostsDue = KernelClock.monotonic + Self.gathering }
  }

  /// Takes over which containers there are, if that is another than before.
  func refresh(_ containers: some Collection<SupervisedContainer>) {
    if neighbours.refresh(on: networks) { isCurrent = false }
    if isCurrent { return }
    isCurrent = true
    let known = Set(containers.flatMap { names(of: $0) }).union(neighbours.names)
    server.know(
      NameTable(
        networks: networks.map {
          NameTable.Network(key: $0.key, name: $0.name, subnet: $0.subnet, isInternal: $0.isInternal)
        },
        endpoints: containers.filter(\.isRunning).sorted { $0.directory.name < $1.directory.name }.flatMap(endpoints)
          + neighbours.endpoints,
        knownNames: known),
      ownServers: Dictionary(
        containers.flatMap { container in
          container.record.attachments.map { ($0.address, container.record.life.nameServers) }
        }, uniquingKeysWith: { first, _ in first }))
  }

  /// The addresses of containers that have run, and do not any more.
  private func ended(_ containers: some Collection<SupervisedContainer>) -> Set<IPv4Address> {
    Set(containers.filter { !$0.isRunning && $0.hasRun }.flatMap { $0.record.attachments.map(\.address) })
  }

  private func names(of container: SupervisedContainer) -> [String] {
    container.record.attachments.flatMap { container.record.names(on: $0, of: container.directory) }
  }

  private func endpoints(of container: SupervisedContainer) -> [NameTable.Endpoint] {
    container.record.attachments.map { attachment in
      NameTable.Endpoint(
        container: container.directory.name, network: attachment.network, address: attachment.address,
        names: container.record.names(on: attachment, of: container.directory))
    }
  }

  func time(_ now: UInt64, _ containers: some Collection<SupervisedContainer>) {
    server.time(now)
    guard let due = hostsDue, now >= due else { return }
    hostsDue = nil
    let ended = ended(containers)
    if ended == absent { return }
    absent = ended
    for container in containers where container.isRunning { writeHosts(of: container) }
  }

  /// Writes the hosts file of a container as it was made, without what has ended.
  private func writeHosts(of container: SupervisedContainer) {
    guard let process = container.process, (try? process.isAlive) == true,
      let bytes = try? container.directory.readSpecification(),
      let specification = try? ContainerSpecification(wireBytes: bytes),
      let original = specification.mounts.lazy.compactMap({ mount -> String? in
        if mount.target == "/etc/hosts", case .ownFile(let content) = mount.source { content } else { nil }
      }).first
    else { return }
    let own = Set(container.record.attachments.map(\.address))
    let text = original.split(separator: "\n").filter { line in
      guard let address = line.split(whereSeparator: \.isWhitespace).first.flatMap({ IPv4Address($0) }) else {
        return true
      }
      return own.contains(address) || !absent.contains(address)
    }.map { $0 + "\n" }.joined()
    do {
      try Self.replace("etc/hosts", of: process, with: Array(text.utf8))
    } catch {
      SupervisorProcess.log("\(container.directory.name): its hosts file cannot be written: \(error)")
    }
  }

  /// Writes a file of the engine's in a container, in place: it is a mount of its own. Never through a link, and only into the
  /// small file system that the engine made for it.
  private static func replace(_ path: String, of process: ProcessIdentity, with bytes: [UInt8]) throws {
    let root = try Files.open("/proc/\(process.pid)/root", O_PATH | O_DIRECTORY)
    let file = try Files.open(path, below: root.borrowed, [.inRoot, .noMagicLinks, .noSymlinks], O_WRONLY)
    guard try FileSystems.isMemory(file.borrowed) else { throw SystemCallError("open", on: path, .notSupported) }
    try Files.write(file.borrowed, at: 0, bytes)
    try Files.truncate(file.borrowed, to: UInt64(bytes.count))
  }
}
