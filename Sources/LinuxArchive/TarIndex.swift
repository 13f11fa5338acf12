import LinuxSystem

/// Where the files of a tar lie, so that they can be read in any order.
package struct TarIndex {
  package struct Extent: Hashable, Sendable {
    package let offset: UInt64
    package let size: UInt64
  }

  private enum Entry {
    case file(Extent)
    /// The path that a symbolic or hard link leads to, from the root of the archive; nil when it leads outside.
    case link(String?)
  }

  private static let mostEntries = 100_000
  private static let mostLinks = 10

  private var entries: [String: Entry] = [:]

  /// - Parameter file: a tar without compression, of `size` bytes, that can be read at any place.
  package init(_ file: SharedDescriptor, size: UInt64) throws(ArchiveError) {
    let reader = try TarReader(FileSource(file, count: size))
    var count = 0
    while let entry = try reader.next() {
      count += 1
      if count > Self.mostEntries { throw .limit("more than \(Self.mostEntries) files in an image archive") }
      let path = try EntryPath(entry.path)
      switch entry.kind {
      case .file where !entry.isSparse:
        entries[path.text] = .file(Extent(offset: reader.position, size: entry.size))
      case .hardLink: entries[path.text] = .link(Self.clean(entry.hardLinkTarget[...]))
      case .symbolicLink: entries[path.text] = .link(Self.clean(path.parent + [UInt8(ascii: "/")] + entry.linkTarget))
      case .file, .directory, .fifo, .characterDevice, .blockDevice, .unknown: entries[path.text] = nil
      }
    }
  }

  /// The place of a file; nil when there is none of this name.
  package subscript(path: String) -> Extent? {
    var name = path
    for _ in 0..<Self.mostLinks {
      switch entries[name] {
      case .file(let extent): return extent
      case .link(.some(let target)): name = target
      case .link(nil), nil: return nil
      }
    }
    return nil
  }

  private static func clean(_ path: ArraySlice<UInt8>) -> String? {
    var components: [ArraySlice<UInt8>] = []
    for component in path.split(separator: UInt8(ascii: "/")) where !component.elementsEqual(".".utf8) {
      if component.elementsEqual("..".utf8) {
        if components.popLast() == nil { return nil }
      } else {
        components.append(component)
      }
    }
    return String(decoding: Array(components.joined(separator: [UInt8(ascii: "/")])), as: UTF8.self)
  }
}
