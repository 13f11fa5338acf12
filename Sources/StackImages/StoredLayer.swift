import Glibc
import LinuxSystem
import SystemPackage

/// What is kept beside an unpacked layer.
struct StoredLayer: WireCodable {
  var record: LayerRecord
  /// The highest number of a user or group that a file in it belongs to; nil when that was not looked for yet.
  var highestOwner: UInt32?

  init(record: LayerRecord, highestOwner: UInt32?) {
    self.record = record
    self.highestOwner = highestOwner
  }

  init(from reader: inout WireReader) throws(WireError) {
    record = try reader.value()
    highestOwner = try reader.isAtEnd ? nil : reader.value(UInt32.self)
  }

  func write(to writer: inout WireWriter) {
    writer.value(record)
    if let highestOwner { writer.value(highestOwner) }
  }

  /// - Returns: nil when there is no such file.
  static func read(_ path: String) throws(ImageError) -> StoredLayer? {
    let bytes = try onDisk { () throws(SystemCallError) in try Files.readIfPresent(path) }
    guard let bytes else { return nil }
    do throws(WireError) {
      return try StoredLayer(wireBytes: bytes)
    } catch {
      throw ImageError(.system, "\(path): \(error)")
    }
  }
}

extension ImageStore {
  /// The highest number of a user or group that a file of a layer belongs to.
  ///
  /// Of a layer that was unpacked before this was written down, all files are looked at, once. Needs root then.
  /// - Parameter directory: one of `Image.layers`.
  /// - Returns: nil for a directory that is no layer of this store.
  package func highestOwner(ofLayer directory: String) throws(ImageError) -> UInt32? {
    let parts = directory.split(separator: "/")
    guard let key = parts.dropLast().last.map(String.init), layout.layerRoot(key) == directory else { return nil }
    let path = layout.layerRecord(key)
    guard let known = try StoredLayer.read(path) else { return nil }
    if let highest = known.highestOwner { return highest }
    let writing = try StoreWriting(layout)
    guard var layer = try StoredLayer.read(path) else { return nil }
    let highest = try onDisk { () throws(SystemCallError) in try Self.highestOwner(below: directory) }
    layer.highestOwner = highest
    try writing.publish(layer.wireBytes, at: path)
    return highest
  }

  private static func highestOwner(below path: String) throws(SystemCallError) -> UInt32 {
    let root = try Files.open(path, O_RDONLY | O_DIRECTORY)
    let status = try Files.status(root.borrowed)
    var highest = max(status.st_uid, status.st_gid)
    // By their paths: a layer has more directories than a process may have descriptors. Unpacking bounds how long they are.
    var pending = [RawName(".")]
    while let path = pending.popLast() {
      let directory = try Files.open(path, in: root.borrowed, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      for name in try Files.rawNames(of: directory.borrowed) {
        guard let status = try Files.status(name, in: directory.borrowed) else { continue }
        highest = max(highest, status.st_uid, status.st_gid)
        if status.st_mode & S_IFMT == S_IFDIR { pending.append(RawName(path.bytes + "/".utf8 + name.bytes)) }
      }
    }
    return highest
  }
}
