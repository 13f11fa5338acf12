import Foundation
import LinuxSystem
import Testing

/// An OCI bundle on a fixture's root file system, and the command that runs it: `stack oci`.
struct Bundle {
  let fixture: StackFixture
  /// The container's name: that of its cgroup too, so it is nobody else's.
  let id: String

  init(_ fixture: StackFixture) {
    self.fixture = fixture
    id = fixture.project
  }

  /// Runs the body with a bundle, and removes what is left of its container.
  static func with(_ body: (Bundle) throws -> Void) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let bundle = Bundle(fixture)
      defer { _ = try? bundle.oci("delete", "--force", bundle.id) }
      try body(bundle)
    }
  }

  @discardableResult
  func oci(_ arguments: String...) throws -> StackFixture.Outcome {
    try fixture.run(StackFixture.binary, ["oci", "--root", "\(fixture.directory)/oci"] + arguments)
  }

  /// Writes config.json: a shell that runs a script.
  ///
  /// - Parameters:
  ///   - process: more members of `process`, each with its comma before it; so the others.
  ///   - namespaces: beside those of mounts and processes.
  func configure(
    _ script: String, process: String = "", namespaces: [String] = ["network", "ipc", "uts"], linux: String = "",
    _ more: String = ""
  ) throws {
    let command = try #require(String(bytes: JSONEncoder().encode(["/bin/sh", "-c", script]), encoding: .utf8))
    let kinds = (["mount", "pid"] + namespaces).map { #"{"type": "\#($0)"}"# }.joined(separator: ", ")
    try fixture.write(
      """
      {
        "ociVersion": "1.2.0",
        "root": {"path": "root"},
        "process": {"args": \(command), "env": ["PATH=/bin", "TERM=xterm"], "cwd": "/"\(process)},
        "mounts": [
          {"destination": "/proc", "type": "proc", "source": "proc"},
          {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755", "nosuid"]},
          {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]}
        ],
        "linux": {"namespaces": [\(kinds)]\(linux)}\(more)
      }
      """, to: "config.json")
  }

  /// Creates the container, and leaves it waiting.
  func create(_ arguments: String...) throws {
    let outcome = try fixture.run(
      StackFixture.binary, ["oci", "--root", "\(fixture.directory)/oci", "create"] + arguments + [id])
    #expect(outcome.code == 0, "\(outcome.errors)")
  }

  /// What `state` says; empty when there is no such container.
  func state() throws -> [String: Any] {
    let outcome = try oci("state", id)
    if outcome.code != 0 { return [:] }
    return try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  var status: String { get throws { try state()["status"] as? String ?? "" } }

  /// What the script has written to a file at its root; empty before it has.
  func written(_ name: String) -> String {
    (try? fixture.text("root/\(name)"))?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
  }

  /// Groups that have the container's name.
  func groups() throws -> [String] {
    let found = try fixture.run("/usr/bin/find", ["/sys/fs/cgroup", "-maxdepth", "4", "-name", id, "-type", "d"])
    return found.output.split(separator: "\n").map(String.init)
  }
}
