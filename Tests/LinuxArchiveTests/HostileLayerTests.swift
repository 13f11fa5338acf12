import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import LinuxArchive

/// Layers that reach for what is outside. Whether they are refused or put in their place: nothing outside may change.
@Suite(.serialized, .privateNamespace) struct HostileLayerTests {
  /// A directory outside with a file that attacks aim at.
  private final class Outside {
    let directory: TemporaryDirectory

    init() throws {
      directory = try TemporaryDirectory()
      try directory.write(Array("original".utf8), to: "f")
      chmod(directory("f"), 0o600)
    }

    func isUntouched() throws -> Bool {
      let status = try Files.status(directory("f"))
      return try Files.names(in: directory.path) == ["f"] && Files.text(directory("f")) == "original"
        && status.st_mode & 0o7777 == 0o600 && status.st_uid == 0 && status.st_nlink == 1
        && Files.status(directory.path).st_mode & 0o7777 == 0o755
    }
  }

  struct Attack: CustomTestStringConvertible, Sendable {
    let name: String
    /// Layers, the lower one first; the path is the directory outside, absolute.
    let layers: [@Sendable (inout TarBuilder, String) -> Void]

    init(_ name: String, _ layers: (@Sendable (inout TarBuilder, String) -> Void)...) {
      self.name = name
      self.layers = layers
    }

    var testDescription: String { name }
  }

  private static let up = String(repeating: "../", count: 24)

  static let attacks = [
    Attack("dots") { $0.file(up + $1 + "/pwn") },
    Attack("dots inside") { $0.file("a/../../../../../.." + $1 + "/pwn") },
    Attack("absolute") { $0.file($1 + "/pwn") },
    Attack("absolute, over a file") { $0.file($1 + "/f") },
    Attack("through a link") { tar, outside in
      tar.link("x", to: outside)
      tar.file("x/pwn")
      tar.directory("x/dir")
      tar.link("x/link", to: "/etc")
      tar.fifo("x/fifo")
      tar.device("x/null", major: 1, minor: 3)
      tar.file("x/.wh.f")
      tar.file("x/.wh..wh..opq")
    },
    Attack("through a link with dots") { tar, outside in
      tar.link("x", to: up + outside.dropFirst())
      tar.file("x/f", "overwritten")
    },
    Attack("through a link below", { $0.link("x", to: $1) }, { tar, _ in tar.file("x/f", "overwritten") }),
    Attack("through a chain of links") { tar, outside in
      tar.link("a", to: "/tmp")
      tar.link("b", to: "a/" + outside.dropFirst("/tmp/".count))
      tar.file("b/pwn")
    },
    Attack("over a link") { tar, outside in
      tar.link("f", to: outside + "/f")
      tar.file("f", "overwritten", mode: 0o777, uid: 42)
    },
    Attack("over a link below", { $0.link("f", to: $1 + "/f") }, { tar, _ in tar.file("f", "overwritten") }),
    Attack("a directory over a link") { tar, outside in
      tar.link("x", to: outside)
      tar.directory("x", mode: 0o777, uid: 42)
    },
    Attack("a link in place of a directory") { tar, outside in
      tar.directory("a")
      tar.file("a/b")
      tar.link("a", to: outside)
      tar.file("a/pwn")
    },
    Attack("a hard link out") { $0.hardLink("h", to: $1 + "/f") },
    Attack("a hard link up") { $0.hardLink("h", to: up + $1 + "/f") },
    Attack("a hard link through a link") { tar, outside in
      tar.link("d", to: outside)
      tar.hardLink("h", to: "d/f")
    },
    Attack("a hard link to a link, then written") { tar, outside in
      tar.link("s", to: outside + "/f")
      tar.hardLink("h", to: "s")
      tar.file("h", "overwritten")
    },
    Attack("a hard link whose name is behind a link") { tar, outside in
      tar.file("f", "y")
      tar.link("x", to: outside)
      tar.hardLink("x/pwn", to: "f")
    },
    Attack("a root that is a link") { tar, outside in
      tar.link("./", to: outside)
      tar.file("pwn")
    },
    Attack("a whiteout behind a link below", { $0.link("x", to: $1) }, { tar, _ in tar.file("x/.wh.f") }),
    Attack(
      "a hard link to a link below", { $0.link("x", to: $1 + "/f") },
      { tar, _ in
        tar.hardLink("h", to: "x")
        tar.file("h", "overwritten")
      }),
  ]

  @Test(arguments: attacks) func nothingOutsideChanges(_ attack: Attack) throws {
    let outside = try Outside()
    let fixture = try LayerFixture()
    var layers: [UnpackedLayer] = []
    do {
      for build in attack.layers { layers.append(try fixture.add { build(&$0, outside.directory.path) }) }
      // The next step moves the files: it must not follow anything either.
      try Files.makeDirectory(fixture.directory("flat"))
      let target = try Files.open(fixture.directory("flat"), O_RDONLY | O_DIRECTORY)
      for (root, layer) in zip(fixture.roots, layers) {
        try Flattening.move(root.borrowed, onto: target.borrowed, hasMarks: layer.hasMarks)
      }
    } catch is ArchiveError {
      // Refused, which is as good.
    }
    #expect(try outside.isUntouched())
  }

  @Test func linksStayInside() throws {
    let fixture = try LayerFixture()
    try fixture.add { tar in
      tar.link("x", to: "/some/where")
      tar.file("x/in", "i")
      tar.link("y", to: "../../../../up")
      tar.file("y/in", "j")
    }
    #expect(try fixture.text("some/where/in") == "i")
    #expect(try fixture.text("up/in") == "j")
  }

  static let refused: [(String, @Sendable (inout TarBuilder) -> Void)] = [
    (
      "a loop of links",
      { tar in
        tar.link("a", to: "b")
        tar.link("b", to: "a")
        tar.file("a/x")
      }
    ),
    (
      "a file as a directory",
      { tar in
        tar.file("a")
        tar.file("a/b")
      }
    ),
    ("dots in a path", { $0.file("a/../b") }),
    ("dots at its end", { $0.directory("a/..") }),
    (
      "dots in the target of a hard link",
      { tar in
        tar.file("b")
        tar.hardLink("h", to: "a/../b")
      }
    ),
    ("a hard link to itself", { $0.hardLink("h", to: "h") }),
    ("a hard link to nothing", { $0.hardLink("h", to: "nope") }),
    (
      "a hard link to a directory",
      { tar in
        tar.directory("d")
        tar.hardLink("h", to: "d")
      }
    ),
    (
      "a name that is too long",
      {
        $0.pax(record: "path", [UInt8](repeating: 0x61, count: 300))
        $0.file("x")
      }
    ),
    (
      "a path that is too long",
      { tar in
        tar.pax(record: "path", Array(repeatElement(Array("abcdefghi/".utf8), count: 500).joined()))
        tar.file("x")
      }
    ),
    (
      "directories that are too deep",
      { tar in
        tar.pax(record: "path", Array(repeatElement(Array("d/".utf8), count: 300).joined()))
        tar.file("x")
      }
    ),
    (
      "a pax header that is too large",
      {
        $0.pax(record: "comment", [UInt8](repeating: 0x61, count: 2 << 20))
        $0.file("x")
      }
    ),
    (
      "an owner that is none",
      {
        $0.pax(record: "uid", Array("4294967295".utf8))
        $0.file("x")
      }
    ),
  ]

  @Test(arguments: refused.indices) func nonsenseIsRefused(_ index: Int) throws {
    let (name, build) = Self.refused[index]
    #expect(throws: ArchiveError.self, "\(name)") { try LayerFixture().add(build) }
  }

  /// What is behind the check of paths: without it no path would lead out either.
  @Test func theTreeHasNoWayUp() throws {
    let directory = try TemporaryDirectory()
    let root = try Files.open(directory.path, O_RDONLY | O_DIRECTORY)
    let tree = LayerTree(root: root.borrowed, lower: LowerLayers(lowestFirst: []))
    for path in ["..", "../.."] {
      #expect(throws: ArchiveError.self, "\(path)") { _ = try tree.directory(Array(path.utf8)[...]) }
    }
    #expect(try tree.directory(Array("a/../../x".utf8)[...]).path == Array("x".utf8))
    try Files.makeLink(RawName("up"), in: root.borrowed, to: RawName("../../../up-there"))
    #expect(try tree.directory(Array("up/in".utf8)[...]).path == Array("up-there/in".utf8))
  }

  @Test func damageIsFound() throws {
    var tar = TarBuilder()
    tar.file("a", String(repeating: "y", count: 5000))
    let whole = tar.finished
    #expect(throws: ArchiveError.self) { try LayerFixture().add(Array(whole[..<2000])) }
    #expect(throws: ArchiveError.self) { try LayerFixture().add([]) }
    #expect(throws: ArchiveError.self) { try LayerFixture().add(Array("no tar at all".utf8)) }
    var changed = whole
    changed[150] = 0x39
    #expect(throws: ArchiveError.self) { try LayerFixture().add(changed) }
    // An empty archive is an archive.
    #expect(try LayerFixture().add(TarBuilder().finished).entries == 0)
  }
}
