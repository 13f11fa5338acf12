import Foundation
import TestSupport
import Testing

/// Images with the built binary: in by every way, run as they say, and out again.
@Suite(.privateNamespace, .serialized)
struct ImageTests {
  @Test func aFileSystemComesInByEveryWay() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try NetworkLab.run(
        "cd \(fixture.directory) && tar -C root -cf r.tar . && gzip -k r.tar && zstd -q -k r.tar")
      for (name, source) in [("one", "r.tar"), ("two", "r.tar.gz"), ("three", "r.tar.zst"), ("four", "root")] {
        #expect(try fixture.stack("image", "import", name, source).code == 0, "\(source)")
      }
      #expect(try fixture.stack("image", "tag", "one", "other:1.0").code == 0)
      try fixture.file(
        ["one", "two", "three", "four", "other:1.0"].enumerated()
          .map { "  s\($0.offset): {image: '\($0.element)', command: [sleep, '1000']}" }.joined(separator: "\n"))
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(try fixture.exec("s3", "id -un") == "root")
      let used = try fixture.stack("image", "rm", "four")
      #expect(used.code == 1)
      #expect(used.errors.contains("take the stack down first"))
      #expect(try fixture.stack("down").code == 0)
      #expect(try fixture.stack("image", "rm", "one", "two", "three", "four", "other:1.0").code == 0)
      #expect(try fixture.stack("image", "ls", "-q").output == "")
    }
  }

  /// Makes an archive as `docker save` does, of an image that says how it is to be run.
  private static let archive = """
    import hashlib, io, json, tarfile
    layer = open("r.tar", "rb").read()
    digest = hashlib.sha256(layer).hexdigest()
    configuration = json.dumps({"architecture": "amd64", "os": "linux", "config": {
        "Env": ["COLOUR=green", "PATH=/bin"], "Entrypoint": ["sh", "-c"],
        "Cmd": ["echo $COLOUR; id -un; pwd; trap 'echo got INT; exit 0' INT; while true; do sleep 0.05; done"],
        "User": "app", "WorkingDir": "/www", "Volumes": {"/scratch": {}}, "StopSignal": "SIGINT"},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}).encode()
    name = hashlib.sha256(configuration).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": ["said:1"], "Layers": [digest + "/layer.tar"]}]).encode()
    with tarfile.open("image.tar", "w") as archive:
        for path, data in ((name, configuration), (digest + "/layer.tar", layer), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    """

  @Test func anImageRunsAsItSays() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write(Self.archive, to: "make.py")
      try NetworkLab.run("cd \(fixture.directory) && tar -C root -cf r.tar . && python3 make.py")
      #expect(try fixture.stack("image", "load", "-i", "image.tar").output.contains("loaded said:1"))
      // Out and in again, as an archive of OCI's form.
      #expect(try fixture.stack("image", "save", "-o", "saved.tar", "said:1").code == 0)
      #expect(try fixture.stack("image", "rm", "said:1").code == 0)
      #expect(try fixture.stack("image", "load", "-i", "saved.tar").output.contains("loaded said:1"))
      try fixture.file("  s: {image: 'said:1'}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      let said = "s-1  | green\ns-1  | app\ns-1  | /www\n"
      #expect(try fixture.eventually { try fixture.stack("logs").output == said })
      #expect(try fixture.exec("s", "grep -c ' /scratch ' /proc/mounts") == "1")
      #expect(try fixture.stack("stop").code == 0)
      #expect(try fixture.stack("logs").output == said + "s-1  | got INT\n")
      #expect(try fixture.stack("image", "unpack", "saved.tar", "new/place").code == 0)
      #expect(FileManager.default.fileExists(atPath: "\(fixture.directory)/new/place/bin/busybox"))
    }
  }
}
