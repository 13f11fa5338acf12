import CLinuxShim
import Foundation
import LinuxSystem
import SystemPackage

/// Network namespaces for tests, beside the private one in which the tests run and which plays the host.
///
/// They have names (ip-netns(8)) in a tmpfs of the private mount namespace, and go with `remove()`.
package final class NetworkLab {
  /// A program that failed, with what it wrote.
  package struct CommandFailed: Error, CustomStringConvertible {
    /// For the person who reads the test's failure.
    package let description: String
  }

  private var namespaces: [String] = []
  private var processes: [Process] = []

  /// Gives ip-netns(8) a place of its own.
  package init() throws {
    try Self.run("mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns")
  }

  /// Makes a namespace; its interfaces are down.
  package func addNamespace(_ name: String) throws {
    try Self.run("ip netns add \(name)")
    namespaces.append(name)
  }

  /// Ends the processes, and removes the namespaces with all that is in them.
  package func remove() throws {
    for process in processes {
      process.terminate()
      process.waitUntilExit()
    }
    for name in namespaces { try Self.run("ip netns delete \(name)") }
    try Self.run("umount /run/netns")
  }

  /// The file that stands for a namespace.
  package static func path(_ namespace: String) -> String { "/run/netns/\(namespace)" }

  /// Runs a shell script and returns what it wrote.
  @discardableResult
  package static func run(_ script: String, in namespace: String? = nil) throws -> String {
    let (process, output) = try launch(["/bin/sh", "-c", script], in: namespace)
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    if process.terminationStatus != 0 {
      throw CommandFailed(description: "\(script): exit status \(process.terminationStatus): \(text)")
    }
    return text
  }

  /// Starts a program and waits for the first bytes it writes.
  /// - Returns: its pid; it ends with the lab.
  @discardableResult
  package func start(_ arguments: [String], in namespace: String? = nil) throws -> pid_t {
    let (process, output) = try Self.launch(arguments, in: namespace)
    processes.append(process)
    if output.fileHandleForReading.availableData.isEmpty {
      throw CommandFailed(description: "\(arguments.prefix(2)) ended at once")
    }
    return process.processIdentifier
  }

  private static func launch(_ arguments: [String], in namespace: String?) throws -> (Process, Pipe) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = (namespace.map { ["ip", "netns", "exec", $0] } ?? []) + arguments
    let output = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    return (process, output)
  }

  /// Calls `body` with the calling thread in another namespace, and comes back.
  package static func inside<Result: ~Copyable>(
    _ namespace: String, _ body: () throws -> Result
  ) throws -> Result {
    let home = try Files.open("/proc/thread-self/ns/net")
    let other = try Files.open(path(namespace))
    try checked("setns", on: namespace, stk_setns(other.borrowed.rawValue, 0x4000_0000))
    defer { _ = stk_setns(home.borrowed.rawValue, 0x4000_0000) }
    return try body()
  }

  /// What a program of iproute2 or nft wrote as JSON.
  package static func json(_ script: String, in namespace: String? = nil) throws -> [[String: Any]] {
    let text = try run(script, in: namespace)
    return try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]] ?? []
  }
}
