import Foundation
import TestSupport
import Testing

/// A container that has our own program executed in it, by `/proc/self/exe`, must not be able to write to the file
/// (CVE-2019-5736).
///
/// Nobody can write to a file that is being executed. What has to do with the attack is therefore done by a copy of the program,
/// which nobody executes any more when the attacker, who keeps it open, writes to it.
@Suite(.privateNamespace, .serialized)
struct ProgramFileTests {
  /// Takes hold of the program when it is executed as /srv/self, ends it, and writes to its file as soon as that can be.
  private static let attacker = """
    import errno, glob, os, signal
    def find():
        while True:
            for place in glob.glob('/proc/[0-9]*'):
                try:
                    if open(place + '/cmdline').read().startswith('/srv/self'):
                        return int(place[6:]), os.open(place + '/exe', os.O_RDONLY)
                except OSError: pass
    pid, file = find()
    os.kill(pid, signal.SIGKILL)
    outcome = None
    while not outcome:
        try:
            os.write(os.open('/proc/self/fd/%d' % file, os.O_WRONLY | os.O_APPEND), b'overwritten')
            outcome = 'written'
        except OSError as error:
            if error.errno != errno.ETXTBSY: outcome = error.strerror
    open('/srv/outcome.new', 'w').write(outcome)
    os.rename('/srv/outcome.new', '/srv/outcome')
    signal.pause()
    """

  private func withAttacker(_ services: String, _ body: (StackFixture, String) throws -> Void) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let copy = "\(fixture.directory)/copy"
      try NetworkLab.run(
        """
        cd \(fixture.directory); cp \(StackFixture.binary) copy
        mkdir srv; ln -s /proc/self/exe srv/self; mkfifo srv/gate
        """)
      try fixture.write(Self.attacker, to: "srv/attack.py")
      let before = try NetworkLab.run("sha256sum <\(copy)")
      try fixture.file(
        "  attacker: {\(Self.root), command: [/usr/bin/python3, /srv/attack.py]}\n\(services)")
      try body(fixture, copy)
      #expect(try NetworkLab.run("sha256sum <\(copy)") == before)
    }
  }

  /// The machine's, for the program may need its libraries.
  private static let root = "rootfs: host, volumes: ['./srv:/srv']"
  /// Blocks, for the gate is never opened at its other end.
  private static let victim = "[/srv/self, config, -f, /srv/gate]"

  private func isRefused(_ fixture: StackFixture) -> Bool {
    fixture.eventually { FileManager.default.fileExists(atPath: "\(fixture.directory)/srv/outcome") }
      && (try? fixture.text("srv/outcome")) == "Read-only file system"
  }

  @Test func executedByExec() throws {
    try withAttacker("") { (fixture: StackFixture, copy: String) throws in
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.run(copy, ["exec", "-T", "attacker", "/srv/self", "config", "-f", "/srv/gate"]).code == 137)
      #expect(isRefused(fixture))
    }
  }

  /// Who has no number for the file's owner may not write to it: the program is not started once more for that.
  @Test func executedByExecWhereRootIsNobodyOutside() throws {
    guard ProcessInfo.processInfo.environment["STACK_USERNS"] != "host" else { return }
    // The program may need its libraries, and those of Swift are nowhere in particular.
    let swift = try NetworkLab.run(
      "ldd \(StackFixture.binary) 2>/dev/null | sed -n 's,.* => \\(.*\\)/libswiftCore.so .*,\\1,p'")
    let libraries = ["/usr", "/lib", "/lib64"] + swift.split(whereSeparator: \.isNewline).map(String.init)
    let volumes = libraries.map { "'\($0):\($0):ro'" }.joined(separator: ", ")
    let root = "rootfs: ./root, volumes: [\(volumes), './srv:/srv']"
    try StackFixture.with { (fixture: StackFixture) throws in
      let copy = "\(fixture.directory)/copy"
      try NetworkLab.run(
        """
        cd \(fixture.directory); cp \(StackFixture.binary) copy; mkdir -m 777 srv
        ln -s /proc/self/exe srv/self; mkfifo -m 666 srv/gate
        """)
      try fixture.write(Self.attacker, to: "srv/attack.py")
      let before = try NetworkLab.run("sha256sum <\(copy)")
      try fixture.file("  attacker: {\(root), userns_mode: private, command: [/usr/bin/python3, /srv/attack.py]}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(try fixture.run(copy, ["exec", "-T", "attacker", "/srv/self", "config", "-f", "/srv/gate"]).code == 137)
      #expect(fixture.eventually { FileManager.default.fileExists(atPath: "\(fixture.directory)/srv/outcome") })
      #expect(try fixture.text("srv/outcome") == "Permission denied")
      // One that others may write to is kept out of reach.
      try NetworkLab.run("cd \(fixture.directory); rm srv/outcome; chmod 777 copy")
      #expect(try fixture.stack("restart", "-t", "0").code == 0)
      #expect(try fixture.run(copy, ["exec", "-T", "attacker", "/srv/self", "config", "-f", "/srv/gate"]).code == 137)
      #expect(isRefused(fixture))
      #expect(try NetworkLab.run("sha256sum <\(copy)") == before)
    }
  }

  @Test func executedAsTheServicesOwnProgram() throws {
    try withAttacker("  victim: {\(Self.root), command: \(Self.victim), pid: 'service:attacker'}") {
      (fixture: StackFixture, copy: String) throws in
      #expect(try fixture.stack("up", "-d", "attacker").code == 0)
      _ = try fixture.run(copy, ["up", "-d"])
      #expect(isRefused(fixture))
    }
  }

  @Test func executedByAHook() throws {
    let hooked = "command: [sleep, '1000'], pid: 'service:attacker', pre_stop: [{command: \(Self.victim)}]"
    try withAttacker("  victim: {\(Self.root), \(hooked)}") { (fixture: StackFixture, copy: String) throws in
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.run(copy, ["stop", "victim"]).errors.contains("exited with status 137"))
      #expect(isRefused(fixture))
    }
  }

  /// The processes that stay are executed through a read-only mount.
  @Test func executedByWhatStays() throws {
    try withAttacker("") { (fixture: StackFixture, _: String) throws in
      #expect(try fixture.stack("up", "-d").code == 0)
      // The supervisor and a shim; the command is over.
      var kept = 0
      for pid in try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init) {
        let line = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
        guard line.contains(fixture.project), line.contains("shim") || line.contains("supervise") else { continue }
        var status = statvfs()
        #expect(statvfs("/proc/\(pid)/exe", &status) == 0 && status.f_flag & UInt(ST_RDONLY) != 0, "\(line)")
        kept += 1
      }
      #expect(kept >= 2)
    }
  }

  @Test func executedByTheCommandForBundles() throws {
    try withAttacker("") { (fixture: StackFixture, copy: String) throws in
      let document = """
        {"ociVersion": "1.2.0", "root": {"path": "/"}, "process": {"args": ["/usr/bin/python3", "/srv/attack.py"],
        "cwd": "/", "env": ["PATH=/bin"]}, "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/srv", "source": "\(fixture.directory)/srv", "options": ["bind"]}],
        "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}], "cgroupsPath": "/stack-test-\(fixture.project)"}}
        """
      try fixture.write(document, to: "config.json")
      let oci = ["oci", "--root", "\(fixture.directory)/oci"]
      let name = fixture.project
      defer { _ = try? fixture.run(StackFixture.binary, oci + ["delete", "-f", name]) }
      let run = try fixture.run(StackFixture.binary, oci + ["run", "-d", name])
      #expect(run.code == 0, "\(run.errors)")
      #expect(try fixture.run(copy, oci + ["exec", name, "/srv/self", "config", "-f", "/srv/gate"]).code == 137)
      #expect(isRefused(fixture))
    }
  }
}
