import Glibc
import InternetAddress
import LinuxSystem
import StackDNS
import StackStore
import SystemPackage

/// Answers for the names of a stack: on the gateway address of each network, over UDP and TCP; what is not about the stack is
/// asked of the machine's own servers, or those that the service names.
final class NameServer {
  private static let port: UInt16 = 53
  /// Questions that wait for an answer from elsewhere; more than these are not asked.
  private static let mostPending = 1024
  /// Connections that are being served, each by a process of its own.
  private static let mostConnections = 64
  /// Until the next server is asked too; nanoseconds. The first good answer counts.
  private static let stagger: UInt64 = 250_000_000
  /// Until all have failed: less than resolvers wait (resolv.conf(5), 5 s).
  private static let patience: UInt64 = 4_000_000_000
  /// Between attempts to listen where somebody else does. Nothing tells when they stop.
  private static let pause: UInt64 = 1_000_000_000

  private struct Listener {
    let gateway: IPv4Address
    let datagrams: SharedDescriptor
    let connections: SharedDescriptor
  }

  /// A question that was asked elsewhere.
  private struct Pending {
    let query: [UInt8]
    let peer: Socket.Peer
    /// The socket on which the question came, and the answer goes.
    let listener: FileDescriptor
    /// Servers that have been asked and have not answered; each has a socket, and so a port, of its own.
    var asked: [SharedDescriptor] = []
    /// Servers that have not been asked.
    var servers: ArraySlice<String>
    /// The answer of one that could not say.
    var refusal: [UInt8]?
    /// When the next is asked.
    var nextAt = UInt64.max
    let endsAt: UInt64
  }

  /// Called before a name is looked up: brings `know` up to what is so.
  var prepare: () -> Void = {}
  private var listeners: [Listener] = []
  /// Where somebody else listens.
  private var missing: [IPv4Address] = []
  private var retryAt = UInt64.max
  private var pending: [Pending] = []
  private var connections: [ProcessHandle] = []
  private var table = NameTable(networks: [], endpoints: [])
  /// Of containers that name their own.
  private var ownServers: [IPv4Address: [String]] = [:]
  private var rotation = 0
  private var buffer = [UInt8](repeating: 0, count: 65536)

  // MARK: What is known

  /// Listens on the gateways of these networks, and on no others.
  func serve(_ networks: [NetworkRecord]) {
    let gateways = networks.map(\.gateway)
    listeners.removeAll { !gateways.contains($0.gateway) }
    missing = gateways.filter { gateway in !listeners.contains { $0.gateway == gateway } }
    for (gateway, error) in listen() {
      SupervisorProcess.log("names cannot be answered on \(gateway) as long as this is so: \(error)")
    }
  }

  /// Listens where nobody does yet.
  /// - Returns: where that failed.
  @discardableResult
  private func listen() -> [(gateway: IPv4Address, error: SystemCallError)] {
    var failures: [(gateway: IPv4Address, error: SystemCallError)] = []
    for gateway in missing {
      do throws(SystemCallError) {
        listeners.append(
          Listener(
            gateway: gateway,
            datagrams: SharedDescriptor(
              try Socket.serve(address: gateway.value, port: Self.port, isStream: false)),
            connections: SharedDescriptor(
              try Socket.serve(address: gateway.value, port: Self.port, isStream: true))))
      } catch {
        failures.append((gateway, error))
      }
    }
    missing = failures.map(\.gateway)
    retryAt = missing.isEmpty ? .max : KernelClock.monotonic + Self.pause
    return failures
  }

  func know(_ table: NameTable, ownServers: [IPv4Address: [String]]) {
    self.table = table
    self.ownServers = ownServers
  }

  // MARK: The loop's side

  /// What to wait for, and what to do when it is there.
  func sources() -> [(descriptor: FileDescriptor, act: () -> Void)] {
    var sources: [(descriptor: FileDescriptor, act: () -> Void)] = []
    for listener in listeners {
      sources.append((listener.datagrams.borrowed, { self.receive(on: listener.datagrams.borrowed) }))
      sources.append((listener.connections.borrowed, { self.accept(on: listener.connections.borrowed) }))
    }
    for upstream in pending.flatMap(\.asked).map(\.borrowed) {
      sources.append((upstream, { self.answered(upstream) }))
    }
    for connection in connections {
      let descriptor = connection.descriptor
      sources.append((descriptor, { self.connectionEnded(descriptor) }))
    }
    return sources
  }

  var deadline: UInt64? {
    let next = pending.map { min($0.nextAt, $0.endsAt) }.min() ?? .max
    return min(next, retryAt) == .max ? nil : min(next, retryAt)
  }

  /// Asks the next server where none has answered in time, and gives up where none has at all.
  func time(_ now: UInt64) {
    if retryAt <= now { listen() }
    for index in pending.indices.reversed() where min(pending[index].nextAt, pending[index].endsAt) <= now {
      advance(index, isLate: pending[index].endsAt <= now)
    }
  }

  // MARK: Datagrams

  private func receive(on listener: FileDescriptor) {
    prepare()
    while let (count, peer) = Socket.receive(from: listener, into: &buffer) {
      let bytes = Array(buffer[..<count])
      do throws(DNSQuery.Problem) {
        let query = try DNSQuery(bytes)
        rotation &+= 1
        switch table.reply(to: query, from: IPv4Address(value: peer.address), rotation: abs(rotation)) {
        case .answer(let answer):
          Socket.send(DNSResponse.bytes(answer, to: query, limit: query.payloadSize), over: listener, to: peer)
        case .forward:
          ask(Self.servers(for: peer, ownServers), bytes, for: peer, on: listener)
        }
      } catch {
        if let answer = DNSResponse.bytes(error) { Socket.send(answer, over: listener, to: peer) }
      }
    }
  }

  private func ask(_ servers: [String], _ query: [UInt8], for peer: Socket.Peer, on listener: FileDescriptor) {
    let isFull = pending.count >= Self.mostPending
    pending.append(
      Pending(
        query: query, peer: peer, listener: listener, servers: isFull ? [] : servers[...],
        endsAt: KernelClock.monotonic + Self.patience))
    advance(pending.count - 1)
  }

  /// Asks one more server; when none is left that may answer, that is the answer.
  private func advance(_ index: Int, isLate: Bool = false) {
    var waiting = pending.remove(at: index)
    while !isLate, let server = waiting.servers.popFirst() {
      guard let upstream = try? Socket.connect(to: server, port: Self.port, isStream: false),
        (try? Files.writeAll(upstream.borrowed, waiting.query)) != nil
      else { continue }
      waiting.asked.append(SharedDescriptor(upstream))
      break
    }
    if !isLate && !waiting.asked.isEmpty {
      waiting.nextAt = waiting.servers.isEmpty ? .max : KernelClock.monotonic + Self.stagger
      return pending.append(waiting)
    }
    let failure = (try? DNSQuery(waiting.query)).map { DNSResponse.bytes(.failure, to: $0) }
    if let answer = waiting.refusal ?? failure { Socket.send(answer, over: waiting.listener, to: waiting.peer) }
  }

  private func answered(_ upstream: FileDescriptor) {
    guard let index = pending.firstIndex(where: { $0.asked.contains { $0.borrowed == upstream } }) else { return }
    let query = pending[index].query
    let answer = try? Files.readOnce(upstream, limit: buffer.count)
    // Only an answer to this question counts.
    if let answer, answer.count < 12 || answer.prefix(2) != query.prefix(2) || answer[2] & 0x80 == 0 { return }
    pending[index].asked.removeAll { $0.borrowed == upstream }
    if let answer, DNSResponse.isConclusive(answer) {
      let waiting = pending.remove(at: index)
      return Socket.send(answer, over: waiting.listener, to: waiting.peer)
    }
    // Nobody listens there (ICMP), or it cannot say: the next one.
    pending[index].refusal = pending[index].refusal ?? answer
    advance(index)
  }

  // MARK: Connections

  private func accept(on listener: FileDescriptor) {
    guard let (connection, address) = Socket.accept(listener), connections.count < Self.mostConnections else { return }
    prepare()
    guard let child = try? ClonedProcess.clone(0) else {
      close(SupervisorProcess.lockDescriptor)
      ParentDeath.follow()
      ConnectionServer(
        connection: connection.borrowed, asker: IPv4Address(value: address), table: table,
        servers: Self.servers(for: Socket.Peer(address: address, port: 0), ownServers)
      ).run()
    }
    connections.append(child.handle)
  }

  private func connectionEnded(_ descriptor: FileDescriptor) {
    guard let index = connections.firstIndex(where: { $0.descriptor == descriptor }) else { return }
    _ = try? connections.remove(at: index).reap()
  }

  // MARK: Other servers

  private static func servers(for peer: Socket.Peer, _ own: [IPv4Address: [String]]) -> [String] {
    if let servers = own[IPv4Address(value: peer.address)], !servers.isEmpty { return servers }
    // Read each time: a machine that changes networks has other servers. A small file in the kernel's memory.
    let text = (try? Files.text("/etc/resolv.conf")) ?? ""
    return text.split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.split(whereSeparator: \.isWhitespace)
      return words.first == "nameserver" && words.count > 1 ? String(words[1]) : nil
    }
  }
}

/// Serves one resolver that asks by TCP, in a process of its own, which waits for whatever it likes.
struct ConnectionServer {
  private static let patience = 5000

  let connection: FileDescriptor
  let asker: IPv4Address
  let table: NameTable
  let servers: [String]

  func run() -> Never {
    // Best effort: a resolver that goes away does not wait for an answer.
    try? serve()
    _exit(0)
  }

  private func serve() throws {
    try Socket.setTimeouts(connection, milliseconds: Self.patience)
    while let bytes = try Self.read(connection) {
      guard let query = try? DNSQuery(bytes) else { return }
      switch table.reply(to: query, from: asker) {
      case .answer(let answer): try Self.write(DNSResponse.bytes(answer, to: query, limit: 65535), to: connection)
      case .forward: try Self.write(forwarded(bytes) ?? DNSResponse.bytes(.failure, to: query), to: connection)
      }
    }
  }

  private func forwarded(_ query: [UInt8]) -> [UInt8]? {
    var refusal: [UInt8]?
    for server in servers {
      guard
        let upstream = try? Socket.connect(to: server, port: 53, isStream: true, milliseconds: Self.patience),
        (try? Self.write(query, to: upstream.borrowed)) != nil,
        let answer = try? Self.read(upstream.borrowed), answer.prefix(2) == query.prefix(2)
      else { continue }
      if DNSResponse.isConclusive(answer) { return answer }
      refusal = refusal ?? answer
    }
    return refusal
  }

  /// A message has its length before it (RFC 1035, section 4.2.2).
  private static func read(_ stream: FileDescriptor) throws -> [UInt8]? {
    guard let length = try readExactly(2, from: stream) else { return nil }
    return try readExactly(Int(length[0]) << 8 | Int(length[1]), from: stream)
  }

  private static func readExactly(_ count: Int, from stream: FileDescriptor) throws -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let next = try Files.readOnce(stream, limit: count - bytes.count)
      if next.isEmpty { return nil }
      bytes += next
    }
    return bytes
  }

  private static func write(_ message: [UInt8], to stream: FileDescriptor) throws(SystemCallError) {
    try Files.writeAll(stream, [UInt8(message.count >> 8), UInt8(message.count & 0xFF)] + message)
  }
}
