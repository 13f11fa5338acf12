import ArgumentParser
import InternetAddress
import LinuxSystem
import StackModel

/// Values of the command line that the stack file has too, in their short forms.
struct CommandVariables {
  let project: Project

  /// `NAME=value`, or `NAME` with the caller's value; one that the caller does not have is left out.
  func variables(_ texts: [String], files: [String] = []) throws -> [EnvironmentVariable] {
    var lines: [String] = []
    for file in files {
      lines += try Files.text(file).split(whereSeparator: \.isNewline).map { $0.trimmed }
        .filter { !$0.isEmpty && !$0.hasPrefix("#") }
    }
    return (lines + texts).compactMap { text in
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      if parts.count > 1 { return EnvironmentVariable(name, String(parts[1])) }
      return project.environment[name].map { EnvironmentVariable(name, $0) }
    }
  }

  /// `SOURCE:TARGET[:ro]`, a directory or the key of a volume of the stack, or only `TARGET`.
  static func mount(_ text: String, stack: Stack) throws -> Mount {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    let isReadOnly = parts.count > 2 && parts[2].split(separator: ",").contains("ro")
    switch parts.count {
    case 1 where text.hasPrefix("/"): return Mount(.anonymousVolume, target: text)
    case 2, 3:
      guard parts[1].hasPrefix("/") else { throw ValidationError("\(text): \(parts[1]) is not an absolute path") }
      if parts[0].hasPrefix("/") || parts[0].hasPrefix(".") || parts[0].hasPrefix("~") {
        let path = parts[0].hasPrefix("/") ? parts[0] : "\(stack.directory)/\(parts[0])"
        return Mount(.bind(path: path, createMissing: true), target: parts[1], isReadOnly: isReadOnly)
      }
      guard stack.volumes.contains(where: { $0.key == parts[0] }) else {
        throw ValidationError("\(text): the stack has no volume \(parts[0])")
      }
      return Mount(.volume(key: parts[0]), target: parts[1], isReadOnly: isReadOnly)
    default: throw ValidationError("\(text) is not SOURCE:TARGET[:ro]")
    }
  }

  /// `[[IP:]HOST:]PORT[/udp]`.
  static func port(_ text: String) throws -> PortMapping {
    let halves = text.split(separator: "/", maxSplits: 1).map(String.init)
    let parts = (halves.first ?? "").split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    let transport = halves.count > 1 ? PortMapping.TransportProtocol(rawValue: halves[1]) : .tcp
    guard (1...3).contains(parts.count), let transport, let container = parts.last.flatMap({ UInt16($0) }) else {
      throw ValidationError("\(text) is not [[IP:]HOST:]PORT[/udp]")
    }
    let host = parts.count > 1 ? UInt16(parts[parts.count - 2]) : nil
    let address = parts.count > 2 ? IPv4Address(parts[0]) : nil
    if parts.count > 1 && !parts[parts.count - 2].isEmpty && host == nil || parts.count > 2 && address == nil {
      throw ValidationError("\(text) is not [[IP:]HOST:]PORT[/udp]")
    }
    return PortMapping(hostAddress: address, hostPort: host, containerPort: container, transport: transport)
  }
}

extension Substring {
  fileprivate var trimmed: String {
    String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
  }
}
