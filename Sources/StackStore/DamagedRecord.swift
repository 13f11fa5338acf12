import LinuxSystem

/// A file of the state directory that is not what this program writes.
package struct DamagedRecord: Error, Hashable, Sendable, CustomStringConvertible {
  package let path: String
  package let problem: WireError

  package var description: String {
    "\(path): \(problem): \"stack up\" makes anew what it describes, \"stack down\" removes it"
  }

  static func naming<Record>(_ path: String, _ parse: () throws(WireError) -> Record) throws -> Record {
    do throws(WireError) { return try parse() } catch { throw DamagedRecord(path: path, problem: error) }
  }
}
