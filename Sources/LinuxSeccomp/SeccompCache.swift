import LinuxSystem

/// Compiled filters on the disk: compiling the default profile takes longer than starting a container.
package struct SeccompCache {
  private let directory: String

  package init(directory: String) {
    self.directory = directory
  }

  /// The filter for `key`, compiled by `compile` the first time.
  ///
  /// - Parameter key: everything that the filter depends on. It is kept in the file whole, so that a damaged file, or another
  ///   key with the same hash, is seen.
  package func filter(
    for key: [UInt8], compile: () throws -> CompiledFilter
  ) throws -> CompiledFilter {
    let path = "\(directory)/\(Self.name(of: key))"
    if let bytes = try Files.readIfPresent(path), let entry = try? Entry(wireBytes: bytes), entry.key == key {
      return entry.filter
    }
    let filter = try compile()
    try Files.makeDirectories(directory)
    try Files.replace(path, with: Entry(key: key, filter: filter).wireBytes)
    return filter
  }

  /// FNV-1a in 64 bits.
  private static func name(of key: [UInt8]) -> String {
    String(key.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }, radix: 16)
  }

  private struct Entry: WireCodable {
    let key: [UInt8]
    let filter: CompiledFilter

    init(key: [UInt8], filter: CompiledFilter) {
      self.key = key
      self.filter = filter
    }

    init(from reader: inout WireReader) throws(WireError) {
      self.init(key: try reader.data(), filter: try reader.value())
    }

    func write(to writer: inout WireWriter) {
      writer.data(key)
      writer.value(filter)
    }
  }
}
