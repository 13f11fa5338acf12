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
  /// Until the next server is asked; nanoseconds.
  private static let patience: UInt64 = 2_000_000_000

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
    let upstream: SharedDescriptor
    var servers: ArraySlice<String>
    var deadline: UInt64
  }

  /// Called before a name is looked up: brings `know` up to what is so.
  var prepare: () -> Void = {}
  private var listeners: [Listener] = []
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
    for gateway in gateways where !listeners.contains(where: { $0.gateway == gateway }) {
      do {
        listeners.append(
          Listener(
            gateway: gateway,
            datagrams: SharedDescriptor(
              try Socket.serve(address: gateway.value, port: Self.port, isStream: false)),
            connections: SharedDescriptor(
              try Socket.serve(address: gateway.value, port: Self.port, isStream: true))))
      } catch {
        SupervisorProcess.log("names cannot be answered on \(gateway): \(error)")
      }
    }
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
    for waiting in pending {
      let upstream = waiting.upstream.borrowed
      sources.append((upstream, { self.answered(upstream) }))
    }
    for connection in connections {
      let descriptor = connection.descriptor
      sources.append((descriptor, { self.connectionEnded(descriptor) }))
    }
    return sources
  }

  var deadline: UInt64? { pending.map(\.deadline).min() }

  /// Asks the next server where one has not answered in time.
  func time(_ now: UInt64) {
    let late = pending.filter { $0.deadline <= now }
    pending.removeAll { $0.deadline <= now }
    for waiting in late { ask(waiting.servers, waiting.query, for: waiting.peer, on: waiting.listener) }
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
          ask(Self.servers(for: peer, ownServers)[...], bytes, for: peer, on: listener)
        }
      } catch {
        if let answer = DNSResponse.bytes(error) { Socket.send(answer, over: listener, to: peer) }
      }
    }
  }

  /// Asks the first of `servers` that can be asked; each question has a socket, and so a port, of its own.
  private func ask(_ servers: ArraySlice<String>, _ query: [UInt8], for peer: Socket.Peer, on listener: FileDescriptor)
  {
    var rest = servers
    while let server = rest.popFirst() {
      guard pending.count < Self.mostPending else { break }
      guard let upstream = try? Socket.connect(to: server, port: Self.port, isStream: false),
        (try? Files.writeAll(upstream.borrowed, query)) != nil
      else { continue }
      pending.append(
        Pending(
          query: query, peer: peer, listener: listener, upstream: SharedDescriptor(upstream), servers: rest,
          deadline: KernelClock.monotonic + Self.patience))
      return
    }
    if let query = try? DNSQuery(query) {
      Socket.send(DNSResponse.bytes(.failure, to: query), over: listener, to: peer)
    }
  }

  private func answered(_ upstream: FileDescriptor) {
    guard let index = pending.firstIndex(where: { $0.upstream.borrowed == upstream }) else { return }
    let waiting = pending[index]
    guard let answer = try? Files.readOnce(upstream, limit: buffer.count) else {
      // Nobody listens there (ICMP): the next one.
      pending.remove(at: index)
      return ask(waiting.servers, waiting.query, for: waiting.peer, on: waiting.listener)
    }
    // Only an answer to this question counts.
    guard answer.count >= 12, answer.prefix(2) == waiting.query.prefix(2), answer[2] & 0x80 != 0 else { return }
    pending.remove(at: index)
    Socket.send(answer, over: waiting.listener, to: waiting.peer)
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
    for server in servers {
      guard
        let upstream = try? Socket.connect(to: server, port: 53, isStream: true, milliseconds: Self.patience),
        (try? Self.write(query, to: upstream.borrowed)) != nil,
        let answer = try? Self.read(upstream.borrowed), answer.prefix(2) == query.prefix(2)
      else { continue }
      return answer
    }
    return nil
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
