import Glibc
import LinuxArchive
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// What layers say about the layers below them, and how overlayfs and flattening understand it.
@Suite(.serialized, .privateNamespace) struct WhiteoutTests {
  /// Two layers as overlayfs shows them and as flattening does: `name: content` of all files, sorted.
  private func shown(_ fixture: LayerFixture, _ layers: [UnpackedLayer]) throws -> (overlay: [String], flat: [String]) {
    let count = fixture.roots.count
    let lower = (0..<count).reversed().map { fixture.path("", layer: $0) }.joined(separator: ":")
    try Files.makeDirectory(fixture.directory("merged"))
    let result = mount("overlay", fixture.directory("merged"), "overlay", 0, "lowerdir=\(lower)")
    try checkedErrno("mount", result)
    let overlay = try files(of: fixture.directory("merged"))
    umount2(fixture.directory("merged"), CInt(MNT_DETACH))
    try Files.makeDirectory(fixture.directory("flat"))
    let target = try Files.open(fixture.directory("flat"), O_RDONLY | O_DIRECTORY)
    for (root, layer) in zip(fixture.roots, layers) {
      try Flattening.move(root.borrowed, onto: target.borrowed, hasMarks: layer.hasMarks)
    }
    return (overlay, try files(of: fixture.directory("flat")))
  }

  private func files(of path: String, prefix: String = "") throws -> [String] {
    try Files.names(in: path).flatMap { name in
      let status = try Files.status("\(path)/\(name)")
      switch status.st_mode & S_IFMT {
      case S_IFDIR: return ["\(prefix)\(name)/"] + (try files(of: "\(path)/\(name)", prefix: "\(prefix)\(name)/"))
      case S_IFREG: return ["\(prefix)\(name): " + (try Files.text("\(path)/\(name)"))]
      case S_IFLNK: return ["\(prefix)\(name) -> " + (try Files.readLink("\(path)/\(name)"))]
      default: return ["\(prefix)\(name) \(String(status.st_mode, radix: 8))"]
      }
    }
  }

  private static func base(_ tar: inout TarBuilder) {
    tar.directory("d", mode: 0o1777, uid: 9)
    tar.file("d/a", "a")
    tar.file("d/b", "b")
    tar.directory("d/sub")
    tar.file("d/sub/s", "s")
    tar.file("keep", "k")
    tar.directory("usr")
    tar.directory("usr/lib64")
    tar.file("usr/lib64/old", "o")
    tar.link("lib64", to: "/usr/lib64")
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let expected: [String]
    let build: @Sendable (inout TarBuilder) -> Void

    init(_ name: String, _ expected: [String], _ build: @escaping @Sendable (inout TarBuilder) -> Void) {
      self.name = name
      self.expected = expected
      self.build = build
    }

    var testDescription: String { name }
  }

  private static let rest = ["keep: k", "lib64 -> /usr/lib64", "usr/", "usr/lib64/", "usr/lib64/old: o"]
  private static let all = ["d/", "d/a: a", "d/b: b", "d/sub/", "d/sub/s: s"]

  static let cases = [
    Case("nothing", all + rest) { _ in },
    Case("a file", ["d/", "d/b: b", "d/sub/", "d/sub/s: s"] + rest) { $0.file("d/.wh.a", "") },
    Case("a directory", rest) { $0.file(".wh.d", "") },
    Case("a file that is made again after", ["d/", "d/a: new", "d/b: b", "d/sub/", "d/sub/s: s"] + rest) { tar in
      tar.file("d/.wh.a", "")
      tar.file("d/a", "new")
    },
    Case("a file that was made again before", ["d/", "d/a: new", "d/b: b", "d/sub/", "d/sub/s: s"] + rest) { tar in
      tar.file("d/a", "new")
      tar.file("d/.wh.a", "")
    },
    Case("a directory that is made again after", ["d/", "d/n: n"] + rest) { tar in
      tar.file(".wh.d", "")
      tar.directory("d")
      tar.file("d/n", "n")
    },
    Case("a directory that was made again before", ["d/", "d/n: n"] + rest) { tar in
      tar.directory("d")
      tar.file("d/n", "n")
      tar.file(".wh.d", "")
    },
    Case("a directory that is made again without an entry", ["d/", "d/n: n"] + rest) { tar in
      tar.file(".wh.d", "")
      tar.file("d/n", "n")
    },
    Case("everything in a directory", ["d/", "d/c: c"] + rest) { tar in
      tar.directory("d")
      tar.file("d/c", "c")
      tar.file("d/.wh..wh..opq", "")
    },
    Case("everything in a directory, with its subdirectory made again", ["d/", "d/sub/", "d/sub/t: t"] + rest) { tar in
      tar.file("d/.wh..wh..opq", "")
      tar.file("d/sub/t", "t")
    },
    Case("a directory that becomes a file", ["d: file"] + rest) { $0.file("d", "file") },
    Case("a file that becomes a directory", ["d/", "d/a/", "d/a/z: z", "d/b: b", "d/sub/", "d/sub/s: s"] + rest) {
      tar in
      tar.directory("d/a")
      tar.file("d/a/z", "z")
    },
    Case("aufs's own files", all + rest) { tar in
      tar.directory(".wh..wh.plnk")
      tar.file(".wh..wh.plnk/1.2", "")
      tar.file(".wh..wh.aufs", "")
    },
    Case(
      "a file behind a link of the layer below",
      all + ["keep: k", "lib64 -> /usr/lib64", "usr/", "usr/lib64/", "usr/lib64/new: n", "usr/lib64/old: o"]
    ) { $0.file("lib64/new", "n") },
    Case("a whiteout behind a link of the layer below", all + ["keep: k", "lib64 -> /usr/lib64", "usr/", "usr/lib64/"])
    {
      $0.file("lib64/.wh.old", "")
    },
    Case("a hard link to a file below", all + ["h: k"] + rest) { $0.hardLink("h", to: "keep") },
  ]

  @Test(arguments: cases) func overlayfsAndFlatteningAgree(_ item: Case) throws {
    let fixture = try LayerFixture()
    let lower = try fixture.add(Self.base)
    let upper = try fixture.add(item.build)
    let (overlay, flat) = try shown(fixture, [lower, upper])
    #expect(overlay == item.expected)
    #expect(flat == item.expected)
    #expect(upper.hasRecipe)
  }

  @Test func everythingBelowTheRoot() throws {
    let fixture = try LayerFixture()
    let lower = try fixture.add(Self.base)
    let upper = try fixture.add { tar in
      tar.file(".wh..wh..opq", "")
      tar.file("d/new", "n")
    }
    // overlayfs knows no opaque root: whoever mounts leaves the layers below out.
    #expect(upper.hidesLower)
    #expect(try shown(fixture, [lower, upper]).flat == ["d/", "d/new: n"])
  }

  @Test func anImpliedDirectoryIsAsBelow() throws {
    let fixture = try LayerFixture()
    try fixture.add(Self.base)
    let upper = try fixture.add { $0.file("d/new") }
    #expect(upper.usesLower)
    let status = try fixture.status("d", layer: 1)
    #expect(status.st_mode & 0o7777 == 0o1777 && status.st_uid == 9)
  }

  @Test func aLayerWithAllItsDirectoriesStandsForItself() throws {
    let fixture = try LayerFixture()
    try fixture.add(Self.base)
    let upper = try fixture.add { tar in
      tar.directory("d")
      tar.file("d/.wh.a", "")
      tar.file("d/n", "")
    }
    #expect(!upper.usesLower && upper.hasMarks)
    #expect(try fixture.isWhiteout("d/a", layer: 1))
  }

  @Test(arguments: [".wh.", "d/.wh..", "d/.wh...", ".wh...", "d/.wh..wh..wh.x", ".wh.d/file"])
  func badWhiteoutsAreRefused(_ name: String) throws {
    let fixture = try LayerFixture()
    try fixture.add(Self.base)
    #expect(throws: ArchiveError.self) { try fixture.add { $0.file(name, "") } }
  }

  @Test func aWhiteoutCannotBeADirectory() throws {
    #expect(throws: ArchiveError.self) { try LayerFixture().add { $0.directory(".wh.d") } }
  }

  @Test func theSignOfOverlayfsIsRefused() throws {
    #expect(throws: ArchiveError.self) { try LayerFixture().add { $0.device("w", major: 0, minor: 0) } }
  }
}
