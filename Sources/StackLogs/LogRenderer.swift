import LinuxSystem
import SystemPackage

/// Lines of several containers as docker compose prints them: `web-1   | line`.
package struct LogRenderer: Sendable {
  package struct Style: Sendable, Hashable {
    package var usesColors = false
    package var showsNames = true
    package var showsTimes = false

    package init(usesColors: Bool = false, showsNames: Bool = true, showsTimes: Bool = false) {
      self.usesColors = usesColors
      self.showsNames = showsNames
      self.showsTimes = showsTimes
    }
  }

  /// SGR parameters (console_codes(4)): cyan, yellow, green, magenta, blue, then the same bright.
  private static let colors = [36, 33, 32, 35, 34].map { "\($0)" } + [36, 33, 32, 35, 34].map { "\($0);1" }

  private let style: Style
  private var names: [String] = []
  /// What stands before each line of a container.
  private var prefixes: [[UInt8]] = []
  private var second: UInt64?
  private var dateAndTime: [UInt8] = []

  package init(_ style: Style) {
    self.style = style
  }

  /// Adds a container and returns its position. From now on all names are as wide as the longest.
  package mutating func add(_ name: String) -> Int {
    names.append(name)
    let width = (names.map(\.count).max() ?? 0) + 1
    prefixes = names.enumerated().map { Array(prefix($1, width, Self.colors[$0 % Self.colors.count]).utf8) }
    return names.count - 1
  }

  private func prefix(_ name: String, _ width: Int, _ color: String) -> String {
    guard style.showsNames else { return "" }
    let text = name + String(repeating: " ", count: width - name.count) + " | "
    return style.usesColors ? "\u{1B}[\(color)m\(text)\u{1B}[0m" : text
  }

  /// Appends a line of the container `source`, which `add` returned; always with a newline.
  package mutating func append(_ line: LogLine, from source: Int, to output: inout [UInt8]) {
    if prefixes.indices.contains(source) { output.append(contentsOf: prefixes[source]) }
    if style.showsTimes {
      let second = line.realtime / 1_000_000_000
      if second != self.second {
        self.second = second
        dateAndTime = LogTime.dateAndTime(seconds: second)
      }
      output.append(contentsOf: dateAndTime)
      LogTime.appendFraction(line.realtime % 1_000_000_000, to: &output)
      output.append(UInt8(ascii: " "))
    }
    output.append(contentsOf: line.bytes)
    output.append(UInt8(ascii: "\n"))
  }
}

/// Text on its way to a descriptor, in large pieces. What is not flushed when this ends is lost.
package struct BufferedOutput: ~Copyable {
  private static let size = 128 << 10
  private let descriptor: FileDescriptor
  private var bytes: [UInt8] = []

  package init(_ descriptor: FileDescriptor) {
    self.descriptor = descriptor
    bytes.reserveCapacity(Self.size + (16 << 10))
  }

  /// Lets `body` append to what is to be written.
  package mutating func append(_ body: (inout [UInt8]) -> Void) throws(SystemCallError) {
    body(&bytes)
    if bytes.count >= Self.size { try flush() }
  }

  package mutating func flush() throws(SystemCallError) {
    if bytes.isEmpty { return }
    defer { bytes.removeAll(keepingCapacity: true) }
    try Files.writeAll(descriptor, array: bytes)
  }
}
