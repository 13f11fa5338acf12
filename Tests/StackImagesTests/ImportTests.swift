import Glibc
import LinuxArchive
import LinuxSystem
import StackImages
import SystemPackage
import TestSupport
import Testing

@Suite(.serialized, .privateNamespace) struct ImportTests {
  @Test func anImageIsATarOfAFileSystem() throws {
    let fixture = try StoreFixture()
    let path = try fixture.tar { tar in
      tar.directory("./")
      tar.file("bin/sh", "shell", mode: 0o755)
    }
    let summary = try fixture.store.importFileSystem(name: "mini", from: path)
    #expect(summary.references == ["mini:latest"])
    #expect(summary.size == 5 && summary.layerCount == 1 && summary.created == 1_000_000_000)
    let image = try fixture.store.resolve("mini")
    #expect(image.id == summary.id && image.reference == "mini:latest")
    #expect(image.layers.count == 1)
    #expect(try Files.text(image.layers[0] + "/bin/sh") == "shell")
    #expect(image.configuration.os == "linux")
    // The same again is the same image, under one more name, and nothing is unpacked twice.
    let inode = try Files.status(image.layers[0]).st_ino
    let again = try fixture.store.importFileSystem(name: "other:2", from: path)
    #expect(again.id == summary.id)
    #expect(try fixture.store.resolve("other:2").layers == image.layers)
    #expect(try Files.status(image.layers[0]).st_ino == inode)
    #expect(try fixture.names(in: "temporary").isEmpty)
  }

  @Test func aDirectoryIsAFileSystemToo() throws {
    let fixture = try StoreFixture()
    let source = fixture.directory("source")
    try Files.makeDirectories(source + "/d/empty", mode: 0o755)
    try Files.write("one", to: source + "/d/f", create: 0o600)
    try Files.write("ü", to: source + "/d/ü€", create: 0o600)
    try Files.write("", to: source + "/nothing", create: 0o600)
    try Files.write(String(repeating: "long text ", count: 100_000), to: source + "/long", create: 0o600)
    link(source + "/d/f", source + "/hard")
    symlink("d/f", source + "/soft")
    mkfifo(source + "/pipe", 0o600)
    chown(source + "/d/f", 12, 34)
    chmod(source + "/d/f", 0o4711)
    let first = try fixture.store.importFileSystem(name: "a", from: source)
    #expect(try fixture.store.importFileSystem(name: "b", from: source).id == first.id)
    let root = try fixture.store.resolve("a").layers[0]
    let file = try Files.status(root + "/d/f")
    #expect(file.st_uid == 12 && file.st_gid == 34 && file.st_mode & 0o7777 == 0o4711 && file.st_nlink == 2)
    #expect(try Files.status(root + "/hard").st_ino == file.st_ino)
    #expect(try Files.text(root + "/d/ü€") == "ü")
    #expect(try Files.readLink(root + "/soft") == "d/f")
    #expect(try Files.status(root + "/pipe").st_mode & S_IFMT == S_IFIFO)
    #expect(try Files.status(root + "/long").st_size == 1_000_000)
    // A tar that another program makes has the same files.
    try Files.write("changed", to: source + "/nothing", create: 0o600)
    #expect(try fixture.store.importFileSystem(name: "c", from: source).id != first.id)
  }

  @Test func whatIsMountedStaysOut() throws {
    let fixture = try StoreFixture()
    let source = fixture.directory("source")
    try Files.makeDirectories(source + "/mounted", mode: 0o755)
    try checkedErrno("mount", mount("tmpfs", source + "/mounted", "tmpfs", 0, nil))
    defer { umount2(source + "/mounted", CInt(MNT_DETACH)) }
    try Files.write("secret", to: source + "/mounted/f", create: 0o600)
    try fixture.store.importFileSystem(name: "a", from: source)
    #expect(try Files.names(in: fixture.store.resolve("a").layers[0] + "/mounted").isEmpty)
  }

  @Test func archivesOfStackFilesAreUnpackedOnce() throws {
    let fixture = try StoreFixture()
    let path = try fixture.tar { $0.file("f", "one") }
    let first = try fixture.store.unpackedArchive(path: path)
    #expect(try Files.text(first + "/f") == "one")
    let inode = try Files.status(first).st_ino
    #expect(try fixture.store.unpackedArchive(path: path) == first)
    // The same content at another place is the same layer.
    let copy = try fixture.tar("copy.tar") { $0.file("f", "one") }
    #expect(try fixture.store.unpackedArchive(path: copy) == first)
    #expect(try Files.status(first).st_ino == inode)
    // Changed, of the same size, and with the old time set back.
    let before = try Files.status(path)
    _ = try fixture.tar { $0.file("f", "two") }
    utimensat(AT_FDCWD, path, [before.st_atim, before.st_mtim], 0)
    let second = try fixture.store.unpackedArchive(path: path)
    #expect(second != first)
    #expect(try Files.text(second + "/f") == "two")
    let missing = #expect(throws: ImageError.self) { try fixture.store.unpackedArchive(path: "/nowhere.tar") }
    #expect(missing?.kind == .notFound)
    #expect(throws: ImageError.self) { try fixture.store.unpackedArchive(path: "/tmp") }
  }

  @Test func aFailedImportLeavesNothing() throws {
    let fixture = try StoreFixture()
    let path = try fixture.tar { tar in
      tar.file("f")
      tar.file("../up")
    }
    let error = #expect(throws: ImageError.self) { try fixture.store.importFileSystem(name: "bad", from: path) }
    #expect(error?.kind == .invalidArchive)
    #expect(try fixture.store.list().isEmpty)
    #expect(try fixture.names(in: "layers").isEmpty)
    // What the failure left is gone with the next writer.
    _ = try fixture.store.importFileSystem(name: "good", from: try fixture.tar { $0.file("f") })
    #expect(try fixture.names(in: "temporary").isEmpty)
  }
}
