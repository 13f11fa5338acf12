import Glibc
import LinuxSystem
import SystemPackage

/// A connection to systemd itself, over the socket at which it listens for root: no message bus is needed on the machine.
///
/// Every wait ends at the deadline.
struct BusConnection {
  private let socket: SharedDescriptor
  private let deadline: UInt64
  private var serial: UInt32 = 0
  private var received: [UInt8] = []
  /// Signals that came while something else was waited for.
  private var signals: [BusMessage] = []

  /// Connects and says who it is ("Authentication Protocol" of D-Bus' specification).
  init(_ path: String, deadline: UInt64) throws(SystemdError) {
    self.deadline = deadline
    do throws(SystemCallError) {
      socket = SharedDescriptor(try LocalSocket.connect(to: path))
    } catch {
      throw .system(error)
    }
    let user = "\(geteuid())".utf8.map { "3\($0 - UInt8(ascii: "0"))" }.joined()
    try send(Array("\0AUTH EXTERNAL \(user)\r\nBEGIN\r\n".utf8))
    let end = Array("\r\n".utf8)
    while received.firstRange(of: end) == nil { try receive() }
    guard let range = received.firstRange(of: end) else { return }
    let answer = String(decoding: received[..<range.lowerBound], as: UTF8.self)
    received.removeSubrange(..<range.upperBound)
    if !answer.hasPrefix("OK ") { throw .refused("it answers \"\(answer)\"") }
  }

  /// Calls a method of the manager.
  /// - Returns: its answer, which may be an error.
  mutating func call(_ member: String, _ signature: String, _ body: (inout BusWriter) -> Void) throws(SystemdError)
    -> BusMessage
  {
    serial += 1
    var message = BusMessage(.call, serial: serial)
    message.path = "/org/freedesktop/systemd1"
    message.interface = "org.freedesktop.systemd1.Manager"
    message.member = member
    message.signature = signature
    var writer = BusWriter()
    body(&writer)
    message.body = writer.bytes
    try send(message.bytes)
    while true {
      let next = try nextMessage()
      if next.answersTo == serial { return next }
      if next.kind == .signal { signals.append(next) }
    }
  }

  /// The next signal, or one that has come already.
  mutating func nextSignal() throws(SystemdError) -> BusMessage {
    if !signals.isEmpty { return signals.removeFirst() }
    while true {
      let next = try nextMessage()
      if next.kind == .signal { return next }
    }
  }

  private mutating func nextMessage() throws(SystemdError) -> BusMessage {
    while received.count < BusMessage.sizeOfBeginning { try receive() }
    guard let length = BusMessage.length(Array(received.prefix(BusMessage.sizeOfBeginning))) else { throw .malformed }
    while received.count < length { try receive() }
    guard let message = BusMessage(bytes: Array(received[..<length])) else { throw .malformed }
    received.removeFirst(length)
    return message
  }

  private func send(_ bytes: [UInt8]) throws(SystemdError) {
    do throws(SystemCallError) {
      try Files.writeAll(socket.borrowed, bytes, object: "systemd")
    } catch {
      throw .system(error)
    }
  }

  private mutating func receive() throws(SystemdError) {
    do throws(SystemCallError) {
      let isReady = try Polling.readable([socket.borrowed], milliseconds: KernelClock.milliseconds(until: deadline))
      guard isReady == [true] else { throw SystemCallError("read", on: "systemd", Errno(rawValue: ETIMEDOUT)) }
      let bytes = try Files.readOnce(socket.borrowed, limit: 64 << 10)
      if bytes.isEmpty { throw SystemCallError("read", on: "systemd", .connectionReset) }
      received += bytes
    } catch {
      throw .system(error)
    }
  }
}
