import Glibc
import InternetAddress
import LinuxSystem
import StackModel
import StackStore
import SystemPackage

/// Looks at a container from inside its network, without a program in it.
///
/// For a process of its own: it enters the container's network namespace and stays there.
struct NetworkProbe {
  private let addresses: [String]

  init(_ target: HealthProbe.Target) throws {
    guard let process = try target.run.process.open() else {
      throw SystemCallError("setns", on: "the container", .noSuchProcess)
    }
    try NetworkNamespace.join(process)
    // A service may listen on its own address only.
    addresses = ["127.0.0.1"] + target.record.attachments.map(\.address.description)
  }

  /// A connection to the first address of the container that takes one.
  func connect(port: UInt16, milliseconds: Int) throws(SystemCallError) -> OwnedDescriptor {
    var failure = SystemCallError("connect", on: "port \(port)", .connectionRefused)
    for address in addresses {
      do throws(SystemCallError) {
        return try Socket.connect(to: address, port: port, isStream: true, milliseconds: milliseconds)
      } catch {
        failure = error
      }
    }
    throw failure
  }

  /// Why an answer is not the expected one.
  struct UnexpectedAnswer: Error, CustomStringConvertible {
    let description: String
  }

  /// A GET request of HTTP/1.1 (RFC 9112); of the answer only the status line is read.
  func request(_ probe: HTTPProbe, milliseconds: Int) throws {
    let connection = try connect(port: probe.port, milliseconds: milliseconds)
    var request = "GET \(probe.path) HTTP/1.1\r\n"
    if !probe.headers.contains(where: { $0.name.lowercased() == "host" }) {
      request += "Host: localhost:\(probe.port)\r\n"
    }
    for header in probe.headers { request += "\(header.name): \(header.value)\r\n" }
    request += "User-Agent: stack\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    try Files.writeAll(connection.borrowed, request.utf8)
    var answer: [UInt8] = []
    while !answer.contains(UInt8(ascii: "\n")), answer.count < 4096 {
      let bytes = try Files.readOnce(connection.borrowed, limit: 4096)
      if bytes.isEmpty { break }
      answer += bytes
    }
    let line = String(decoding: answer.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    let words = line.split(separator: " ")
    guard words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
      throw UnexpectedAnswer(description: "the answer is not HTTP: \(line.prefix(80))")
    }
    let isExpected = probe.status.map { $0 == status } ?? (200..<400).contains(status)
    if !isExpected {
      throw UnexpectedAnswer(description: "GET \(probe.path): \(words.dropFirst().joined(separator: " "))")
    }
  }
}
