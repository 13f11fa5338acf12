import LinuxSystem

/// What an entry whose name begins with `.wh.` means (OCI image specification, layer.md, "Whiteouts").
enum Whiteout {
  /// The file of this name beside the entry is gone.
  case name(RawName)
  /// Everything in the directory of the entry is gone.
  case everything
  /// aufs's own files, which mean nothing here.
  case bookkeeping

  static let prefix = Array(".wh.".utf8)
  /// Of the entry that says that everything in its directory is gone.
  static let everythingName = Array(".wh..wh..opq".utf8)
  private static let bookkeepingPrefix = Array(".wh..wh.".utf8)

  /// nil for an entry that is no whiteout.
  init?(_ path: EntryPath, isDirectory: Bool) throws(ArchiveError) {
    guard path.hasWhiteoutComponent else { return nil }
    let name = path.name.bytes
    if path.bytes.starts(with: Self.bookkeepingPrefix) && !name.elementsEqual(".wh..wh..opq".utf8) {
      self = .bookkeeping
      return
    }
    guard name.starts(with: Self.prefix) else {
      throw .entry(path.text, reason: "a whiteout cannot have entries in it")
    }
    if isDirectory { throw .entry(path.text, reason: "a whiteout cannot be a directory") }
    if name.elementsEqual(".wh..wh..opq".utf8) {
      self = .everything
      return
    }
    let hidden = name.dropFirst(Self.prefix.count)
    if hidden.isEmpty || hidden.elementsEqual(".".utf8) || hidden.elementsEqual("..".utf8)
      || hidden.starts(with: Self.prefix)
    {
      throw .entry(path.text, reason: "a whiteout of nothing")
    }
    self = .name(RawName(hidden))
  }
}
