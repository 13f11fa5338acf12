import LinuxSystem

/// A container that could not be started: the step that failed, and why.
package struct LaunchError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was being done, for example `mount volume /data`.
  package let step: String
  package let reason: String
  /// What a shell would return for it: 126 and 127 for programs that cannot be executed, else 125.
  package let exitCode: CInt
  /// Whether it was for want of descriptors or memory: another time it may succeed.
  package let isShortage: Bool

  package init(_ step: String, _ reason: String, exitCode: CInt = 125, isShortage: Bool = false) {
    self.step = step
    self.reason = reason
    self.exitCode = exitCode
    self.isShortage = isShortage
  }

  package var description: String { "\(step): \(reason)" }
}

extension LaunchError: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(
      try reader.value(), try reader.value(), exitCode: try reader.value(), isShortage: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(step)
    writer.value(reason)
    writer.value(exitCode)
    writer.value(isShortage)
  }
}

/// Does one step of a start; its failure says which step it was.
@discardableResult
func attempt<Result: ~Copyable>(
  _ step: @autoclosure () -> String, _ body: () throws -> Result
) throws(LaunchError) -> Result {
  do {
    return try body()
  } catch let error as LaunchError {
    throw error
  } catch {
    throw LaunchError(step(), "\(error)", isShortage: (error as? SystemCallError)?.isShortage ?? false)
  }
}
