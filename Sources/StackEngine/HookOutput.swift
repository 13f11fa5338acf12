import LinuxSystem
import StackLogs
import StackStore
import SystemPackage

/// The output of a hook: it goes into the log of its container, through the shim that writes it, and its end is kept for an error.
struct HookOutput {
  /// At the end: all that was sent is in the log when the connection is closed then.
  private static let end: UInt8 = 0xff

  private static let chunk = 4096
  private static let keptBytes = 2048
  private static let keptLines = 10
  /// Milliseconds for the shim to write what was sent.
  private static let patience = 1000

  /// nil where no shim takes it: then it goes to standard error.
  private var connection: SharedDescriptor?
  private var kept: [LogStream: [UInt8]] = [:]

  init(_ container: ContainerDirectory) {
    // Best effort: a shim that has ended, or has no log to write, does not take it.
    connection = try? container.connectToHooks()
  }

  /// Takes what comes until the process has ended; what others who hold its streams write later is not the hook's.
  mutating func take(from process: ProcessHandle, output: SharedDescriptor, errors: SharedDescriptor)
    throws(SystemCallError)
  {
    var sources: [(stream: LogStream, descriptor: SharedDescriptor)] = [
      (.standardOutput, output), (.standardError, errors),
    ]
    while true {
      // Asked before looking: what is not in the pipes of a process that has ended does not come any more.
      let hasEnded = process.hasEnded
      if hasEnded && sources.isEmpty { break }
      let ready = try Polling.readable(
        sources.map(\.descriptor.borrowed) + [process.descriptor], milliseconds: hasEnded ? 0 : -1)
      var open: [(stream: LogStream, descriptor: SharedDescriptor)] = []
      for (source, isReady) in zip(sources, ready) {
        guard isReady else {
          if !hasEnded { open.append(source) }
          continue
        }
        let bytes = try Files.readOnce(source.descriptor.borrowed, limit: Self.chunk)
        if bytes.isEmpty { continue }
        pass(bytes, source.stream)
        open.append(source)
      }
      sources = open
    }
    finish()
  }

  private mutating func pass(_ bytes: [UInt8], _ stream: LogStream) {
    kept[stream] = Array((kept[stream, default: []] + bytes).suffix(Self.keptBytes))
    if let connection, (try? Message.send([stream.rawValue] + bytes, over: connection.borrowed)) != nil { return }
    connection = nil
    // Best effort: there is no other place for it.
    try? Files.writeAll(.standardError, bytes)
  }

  private mutating func finish() {
    guard let connection else { return }
    // Best effort: what a shim that ends does not write cannot be waited for.
    if (try? Message.send([Self.end], over: connection.borrowed)) != nil {
      _ = try? Polling.readable([connection.borrowed], milliseconds: Self.patience)
    }
    self.connection = nil
  }

  /// The last lines, of the standard error if there are any there.
  var lastLines: [String] {
    let bytes = [LogStream.standardError, .standardOutput].lazy.compactMap { kept[$0] }.first { !$0.isEmpty } ?? []
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
    return lines.suffix(Self.keptLines).map(String.init)
  }
}
