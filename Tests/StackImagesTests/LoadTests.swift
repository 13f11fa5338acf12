import Glibc
import LinuxArchive
import LinuxSystem
import StackImages
import SystemPackage
import TestSupport
import Testing

@Suite(.serialized, .privateNamespace) struct LoadTests {
  private static func twoLayers() -> ArchiveDraft {
    var draft = ArchiveDraft(
      { tar in
        tar.directory("d")
        tar.file("d/a", "a")
        tar.file("d/b", "b")
      },
      { tar in
        tar.directory("d")
        tar.file("d/.wh.a", "")
        tar.hardLink("h", to: "d/b")
      })
    draft.configuration = """
      {"User":"1:2","Env":["A=1","B="],"Entrypoint":["/e","x"],"Cmd":["c"],"WorkingDir":"/w","StopSignal":"SIGINT",\
      "ExposedPorts":{"80/tcp":{},"53/udp":{}},"Volumes":{"/data":{},"/a/./b/":{}},"Labels":{"k":"v"},"Shell":["sh"],\
      "Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":1000000000,"Timeout":2,"StartPeriod":3,"Retries":4}}
      """
    return draft
  }

  enum Form: CaseIterable { case layoutDirectory, layoutTar, compressedLayoutTar, dockerArchive, dockerDirectory }

  @Test(.disabled("does not hold yet"), arguments: Form.allCases) func allFormsGiveTheSameImage(_ form: Form) throws {
    let fixture = try StoreFixture()
    let draft = Self.twoLayers()
    let path = fixture.directory("image")
    switch form {
    case .layoutDirectory: try draft.write(layoutTo: path)
    case .layoutTar: try fixture.directory.write(draft.layoutTar, to: "image")
    case .compressedLayoutTar:
      let tar = try fixture.directory.write(draft.layoutTar, to: "plain")
      try fixture.directory.write(try Command.output(["gzip", "-c", tar]), to: "image")
    case .dockerArchive: try fixture.directory.write(draft.dockerArchive, to: "image")
    case .dockerDirectory:
      let tar = try fixture.directory.write(draft.dockerArchive, to: "plain")
      try Files.makeDirectory(path)
      try Command.output(["tar", "-C", path, "-xf", tar])
    }
    let loaded = try fixture.store.load(from: path)
    #expect(loaded.map(\.references) == [["example:1"]])
    let image = try fixture.store.resolve("example:1")
    #expect(image.id == draft.id)
    #expect(image.layers.count == 2)
    let names = try image.layers.map { try Files.names(in: $0) }
    #expect(names == [["d"], ["d", "h"]])
    #expect(try Files.text(image.layers[1] + "/h") == "b")

    let configuration = image.configuration
    #expect(configuration.user == "1:2" && configuration.env == ["A=1", "B="])
    #expect(configuration.entrypoint == ["/e", "x"] && configuration.cmd == ["c"])
    #expect(configuration.workingDirectory == "/w" && configuration.stopSignal == "SIGINT")
    #expect(configuration.exposedPorts == ["53/udp", "80/tcp"] && configuration.volumes == ["/a/b", "/data"])
    #expect(configuration.labels == ["k": "v"])
    #expect(configuration.healthcheck?.test == ["CMD-SHELL", "true"])
    #expect(configuration.healthcheck?.interval == 1_000_000_000 && configuration.healthcheck?.retries == 4)
    #expect(try fixture.store.list().map(\.created) == [1_580_702_706])
  }

  @Test func layersAreShared() throws {
    let fixture = try StoreFixture()
    var first = ArchiveDraft({ $0.file("base", "b") }, { $0.file("one", "1") })
    first.names = ["one"]
    var second = ArchiveDraft({ $0.file("base", "b") }, { $0.file("two", "2") })
    second.names = ["two", "deux"]
    try fixture.store.load(from: try fixture.directory.write(first.dockerArchive, to: "1.tar"))
    try fixture.store.load(from: try fixture.directory.write(second.dockerArchive, to: "2.tar"))
    #expect(try fixture.names(in: "layers").count == 3)
    #expect(try fixture.store.resolve("one").layers[0] == fixture.store.resolve("deux").layers[0])
    // Equal layers in one archive, which are links to each other.
    let twice = ArchiveDraft({ $0.file("x") }, { $0.file("x") })
    try fixture.store.load(from: try fixture.directory.write(twice.dockerArchive, to: "3.tar"))
    #expect(try Set(fixture.store.resolve("example:1").layers).count == 1)
  }

  /// A layer that leans on those below is not the same above others.
  @Test(.disabled("does not hold yet")) func layersThatNeedTheirNeighboursAreNotShared() throws {
    let fixture = try StoreFixture()
    for (name, content) in [("one", "1"), ("two", "2")] {
      var draft = ArchiveDraft({ $0.file("f", content) }, { $0.hardLink("h", to: "f") })
      draft.names = [name]
      try fixture.store.load(from: try fixture.directory.write(draft.layoutTar, to: name))
    }
    #expect(try Files.text(fixture.store.resolve("one").layers[1] + "/h") == "1")
    #expect(try Files.text(fixture.store.resolve("two").layers[1] + "/h") == "2")
  }

  @Test func anOpaqueRootHidesTheLayersBelow() throws {
    let fixture = try StoreFixture()
    let draft = ArchiveDraft({ $0.file("old") }, { $0.file(".wh..wh..opq", "") }, { $0.file("new") })
    try fixture.store.load(from: try fixture.directory.write(draft.layoutTar, to: "t"))
    let layers = try fixture.store.resolve("example:1").layers
    #expect(try layers.flatMap { try Files.names(in: $0) } == ["new"])
    #expect(try fixture.store.inspect("example:1").layers.count == 3)
  }

  @Test func aNameCanBeGiven() throws {
    let fixture = try StoreFixture()
    var draft = ArchiveDraft()
    draft.names = ["just-a-tag"]
    let path = try fixture.directory.write(draft.layoutTar, to: "t")
    #expect(try fixture.store.load(from: path).map(\.references) == [[]])
    #expect(try fixture.store.list().map(\.references) == [[]])
    #expect(try fixture.store.load(from: path, name: "mine").map(\.references) == [["mine:latest"]])
    #expect(try fixture.store.resolve("mine").id == draft.id)
    let manifest = Digest(of: Array(draft.manifest.utf8))
    #expect(try fixture.store.resolve("mine@\(manifest)").id == draft.id)
  }

  @Test func theVariantForThisMachineIsTaken() throws {
    let fixture = try StoreFixture()
    let draft = ArchiveDraft()
    var files = draft.layout
    let manifest = Array(draft.manifest.utf8)
    func entry(_ architecture: String, _ digest: Digest) -> String {
      #"{"digest":"\#(digest)","size":\#(manifest.count),"platform":{"os":"linux","architecture":"\#(architecture)"}}"#
    }
    let other = Digest(of: Array("not here".utf8))
    let index = #"{"schemaVersion":2,"manifests":[\#(entry("s390x", other)),\#(entry("amd64", Digest(of: manifest)))]}"#
    let digest = Digest(of: Array(index.utf8))
    files.append(("blobs/sha256/\(digest.hexadecimal)", Array(index.utf8)))
    files[1].content = Array(
      #"{"schemaVersion":2,"manifests":[{"digest":"\#(digest)","size":\#(index.utf8.count)}]}"#.utf8)
    var tar = TarBuilder()
    for (name, content) in files { tar.file(Array(name.utf8), content: content) }
    #expect(try fixture.store.load(from: try fixture.directory.write(tar.finished, to: "t")).map(\.id) == [draft.id])
  }

  // MARK: What must not be believed

  struct Lie: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let change: @Sendable (inout ArchiveDraft) -> Void

    init(_ description: String, _ change: @escaping @Sendable (inout ArchiveDraft) -> Void) {
      testDescription = description
      self.change = change
    }
  }

  private static let zeros = "sha256:" + String(repeating: "0", count: 64)

  static let lies = [
    Lie("a layer that is another") { $0.layers[0][600] ^= 1 },
    Lie("another size") { $0.sizes[0] += 5 },
    Lie("a negative size") { $0.sizes[0] = -1 },
    Lie("another diff id") { $0.diffIDs[0] = zeros },
    Lie("a diff id that is a path") { $0.diffIDs[0] = "sha256:../../../etc/passwd" },
    Lie("more diff ids than layers") { $0.diffIDs.append(zeros) },
    Lie("a digest that is a path") { $0.digests[0] = "sha256:../../../../../../../../etc/hostname" },
    Lie("a digest that is not there") {
      $0.digests[0] = zeros
      $0.layers = []
    },
    Lie("a manifest that is an index") { $0.manifestExtra = #""manifests":[],"# },
    Lie("a layer of an unknown type") { $0.layerType = "application/x-evil" },
    Lie("another operating system") { $0.os = "windows" },
    Lie("a volume that leads up") { $0.configuration = #"{"Volumes":{"/../../etc":{}}}"# },
    Lie("a volume that is the root") { $0.configuration = #"{"Volumes":{"/":{}}}"# },
    Lie("a NUL in the environment") { $0.configuration = #"{"Env":["A=\u0000"]}"# },
    Lie("a configuration of another form") { $0.configuration = #"{"Env":"A=1"}"# },
    Lie("a name that leads up") { $0.names = ["../../x:1"] },
  ]

  @Test(arguments: lies) func liesAreRefused(_ lie: Lie) throws {
    let fixture = try StoreFixture()
    var draft = ArchiveDraft()
    lie.change(&draft)
    let path = try fixture.directory.write(draft.layoutTar, to: "t")
    let error = #expect(throws: ImageError.self) { try fixture.store.load(from: path) }
    #expect(error?.kind == .invalidArchive || error?.kind == .invalidReference)
    #expect(try fixture.store.list().isEmpty)
    #expect(try fixture.names(in: "layers").isEmpty)
  }

  @Test func damagedDocumentsAreFound() throws {
    let fixture = try StoreFixture()
    let draft = ArchiveDraft()
    for index in 1..<draft.layout.count {
      var tar = TarBuilder()
      for (other, (name, content)) in draft.layout.enumerated() {
        var content = content
        if other == index { content[content.count / 2] ^= 1 }
        tar.file(Array(name.utf8), content: content)
      }
      let path = try fixture.directory.write(tar.finished, to: "t\(index)")
      #expect(throws: ImageError.self, "\(draft.layout[index].name)") { try fixture.store.load(from: path) }
    }
    #expect(try fixture.store.list().isEmpty)
  }

  @Test func aFileSystemIsNoImage() throws {
    let fixture = try StoreFixture()
    let path = try fixture.tar { $0.file("etc/passwd") }
    let error = #expect(throws: ImageError.self) { try fixture.store.load(from: path) }
    #expect(error?.hint?.contains("stack image import") ?? false)
  }
}
