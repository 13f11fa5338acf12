import CArchive
import Glibc
import LinuxSystem
import SystemPackage

// A layer is on the disk once, as files. To give its tar back byte for byte, with the digest that images know it by, a recipe
// is kept beside it: all bytes of the tar but the content of files, and where that content goes.

/// The parts of a recipe. Integers are little-endian; the whole is compressed with zstd.
private enum RecipePart: UInt8 {
  /// 64-bit count, bytes.
  case literal = 0
  /// 64-bit count, 32-bit length of the path, path: the content of a file.
  case content = 1
}

/// Lets a tar pass and writes down its recipe.
final class RecipeRecorder {
  private let output: ZstandardFile
  /// Bytes that passed and are not written down yet, and where in the tar they begin.
  private var pending: [UInt8] = []
  private var start: UInt64 = 0
  /// How much of a file's content is still to pass.
  private var content: UInt64 = 0
  /// Where the header after the latest content must begin, if that content was what it seemed.
  private var expected: UInt64?
  private var isPossible = true

  init(file: FileDescriptor) throws(ArchiveError) {
    output = try ZstandardFile(file)
  }

  /// There can be no recipe: the files will not have all of the content.
  func giveUp() {
    isPossible = false
    pending = []
  }

  /// The next bytes of the tar. All content among the earlier ones has been named by now: a reader asks for more only when it
  /// needs it for a header, or has begun with the content.
  func pass(_ piece: UnsafeRawBufferPointer) throws(ArchiveError) {
    guard isPossible else { return }
    try writeLiteral(pending.count)
    let dropped = Int(min(content, UInt64(piece.count)))
    content -= UInt64(dropped)
    start += UInt64(dropped)
    unsafe pending.append(contentsOf: UnsafeRawBufferPointer(rebasing: piece[dropped...]))
  }

  /// The `count` bytes of the tar from `position` are the content of a file of the layer.
  func content(at position: UInt64, count: UInt64, of path: [UInt8]) {
    guard isPossible else { return }
    guard position >= start, position - start <= UInt64(pending.count), content == 0 else { return giveUp() }
    do throws(ArchiveError) {
      try writeLiteral(Int(position - start))
      var part = WireWriter()
      part.integer(RecipePart.content.rawValue)
      part.integer(count)
      part.data(path)
      try output.write(part.bytes[...])
    } catch {
      // A recipe that cannot be written is as good as none.
      return giveUp()
    }
    let here = Int(min(count, UInt64(pending.count)))
    pending.removeFirst(here)
    start += UInt64(here)
    content = count - UInt64(here)
    // Content fills whole blocks of 512 bytes.
    expected = (position + count + 511) & ~511
  }

  /// A header, or the end marker, begins at `position`.
  func expect(position: UInt64) {
    if let expected, expected != position { giveUp() }
    expected = nil
  }

  /// - Returns: whether the file is a recipe now.
  func finish() throws(ArchiveError) -> Bool {
    guard isPossible, content == 0 else { return false }
    try writeLiteral(pending.count)
    try output.finish()
    return true
  }

  private func writeLiteral(_ count: Int) throws(ArchiveError) {
    guard count > 0 else { return }
    var part = WireWriter()
    part.integer(RecipePart.literal.rawValue)
    part.integer(UInt64(count))
    try output.write(part.bytes[...])
    try output.write(pending[..<count])
    pending.removeFirst(count)
    start += UInt64(count)
  }
}

/// Lets a recorder see what passes.
final class RecordedSource: ByteSource {
  private let source: any ByteSource
  private let recorder: RecipeRecorder?

  init(_ source: any ByteSource, _ recorder: RecipeRecorder?) {
    self.source = source
    self.recorder = recorder
  }

  func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
    let piece = unsafe try source.next()
    try unsafe recorder?.pass(piece)
    return unsafe piece
  }
}

/// The tar that a recipe and the files of its layer make.
@safe package final class RecipeSource: ByteSource {
  private let recipe: any ByteSource
  private let root: SharedDescriptor
  /// What of the recipe was read and is not used.
  private var rest = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
  private var literal: UInt64 = 0
  private var content: FileSource?

  /// - Parameters:
  ///   - recipe: as `LayerUnpacking.unpack` wrote it.
  ///   - root: the directory that was unpacked into.
  package init(recipe: SharedDescriptor, root: SharedDescriptor) throws(ArchiveError) {
    self.recipe = try Decompression.plain(FileSource(stream: recipe)).source
    self.root = root
  }

  package func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
    while true {
      if let content {
        let piece = unsafe try content.next()
        if unsafe !piece.isEmpty { return unsafe piece }
        self.content = nil
      }
      if literal > 0 {
        let piece = unsafe try some(upTo: literal)
        literal -= UInt64(piece.count)
        return unsafe piece
      }
      if try !readPart() { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    }
  }

  /// - Returns: false at the end.
  private func readPart() throws(ArchiveError) -> Bool {
    guard let kind = try bytes(1, orEnd: true).first else { return false }
    let count = try integer(8)
    switch RecipePart(rawValue: kind) {
    case .literal: literal = count
    case .content:
      let length = Int(try integer(4))
      let path = try bytes(length)
      do throws(SystemCallError) {
        let file = try Files.open(exactly: RawName(path), below: root.borrowed, O_RDONLY | O_NONBLOCK)
        content = FileSource(SharedDescriptor(file), count: count)
      } catch {
        throw .entrySystem(String(decoding: path, as: UTF8.self), error)
      }
    case nil: throw .malformed("the recipe of a layer")
    }
    return true
  }

  private func integer(_ width: Int) throws(ArchiveError) -> UInt64 {
    try bytes(width).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private func bytes(_ count: Int, orEnd: Bool = false) throws(ArchiveError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let piece = unsafe try some(upTo: UInt64(count - bytes.count))
      if unsafe piece.isEmpty {
        if orEnd && bytes.isEmpty { return [] }
        throw .malformed("the recipe of a layer ends too early")
      }
      unsafe bytes.append(contentsOf: piece)
    }
    return bytes
  }

  private func some(upTo count: UInt64) throws(ArchiveError) -> UnsafeRawBufferPointer {
    if unsafe rest.isEmpty { unsafe rest = try recipe.next() }
    let taken = unsafe min(rest.count, Int(clamping: count))
    defer { unsafe rest = UnsafeRawBufferPointer(rebasing: rest[taken...]) }
    return unsafe UnsafeRawBufferPointer(rebasing: rest[..<taken])
  }
}
