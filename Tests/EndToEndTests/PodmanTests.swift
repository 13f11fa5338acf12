import Foundation
import LinuxSystem
import TestSupport
import Testing

/// Podman with this program as its runtime, on images and state of its own.
@Suite(
  .privateNamespace, .serialized,
  .enabled("podman and conmon are not installed: Podman with this runtime is not tried") {
    Command.exists("podman") && Command.exists("conmon")
  })
struct PodmanTests {
  /// Runs `podman` with this runtime.
  private struct Podman {
    let fixture: StackFixture

    init(_ fixture: StackFixture) throws {
      self.fixture = fixture
      // The name says that it is a runtime.
      try FileManager.default.createSymbolicLink(
        atPath: "\(fixture.directory)/stack-oci", withDestinationPath: URL(fileURLWithPath: StackFixture.binary).path)
    }

    /// What Podman makes cgroups in, in every hierarchy: for the containers and for its own monitors.
    private var cgroup: String { "stack-test-\(fixture.project)" }

    /// Removes the cgroups that Podman leaves. - Returns: those that cannot be.
    func removeCgroups() throws -> String {
      let left = "find /sys/fs/cgroup -mindepth 1 -maxdepth 2 -type d -name \(cgroup)"
      // A monitor ends a moment after its container.
      return try NetworkLab.run(
        """
        for n in $(seq 50); do
          \(left) | while read -r top; do
            # A controller without a hierarchy has a directory like any other there, for Podman makes its groups all the same.
            if [ "$(stat -f -c %T $top)" = tmpfs ]; then rm -r $top; else find $top -depth -type d -exec rmdir {} +; fi
          done 2>/dev/null
          [ -n "$(\(left))" ] || break
          sleep 0.1
        done
        \(left)
        """)
    }

    @discardableResult
    func callAsFunction(_ arguments: String...) throws -> StackFixture.Outcome { try podman(arguments) }

    /// A container with limits of its own: Podman's need not be allowed on the machine.
    func run(_ options: [String], _ command: String...) throws -> StackFixture.Outcome {
      let limits = ["--ulimit", "nofile=256:256", "--ulimit", "nproc=256:256", "--cgroup-parent", "/\(cgroup)"]
      return try podman(
        ["run", "--network", "none"] + limits + options + ["--rootfs", "\(fixture.directory)/root"] + command)
    }

    private func podman(_ arguments: [String]) throws -> StackFixture.Outcome {
      let places = ["root", "runroot", "tmpdir"].flatMap { ["--\($0)", "\(fixture.directory)/podman/\($0)"] }
      let options = [
        "--runtime", "\(fixture.directory)/stack-oci", "--cgroup-manager", "cgroupfs", "--storage-driver", "vfs",
        "--events-backend", "none",
      ]
      return try fixture.run("/usr/bin/podman", places + options + arguments)
    }
  }

  private func withPodman(_ body: (Podman) throws -> Void) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let podman = try Podman(fixture)
      defer {
        _ = try? podman("rm", "--force", "--all", "--time", "0")
        let left = try? podman.removeCgroups()
        #expect(left == "")
      }
      try body(podman)
    }
  }

  @Test func aContainerLivesAndDies() throws {
    try withPodman { (podman: Podman) throws in
      let run = try podman.run(["--detach", "--name", "one", "--pids-limit", "77"], "sleep", "1010")
      #expect(run.code == 0, "\(run.errors)")
      let exec = try podman("exec", "--env", "X=y", "one", "sh", "-c", "echo $X; exit 3")
      #expect((exec.code, exec.output) == (3, "y\n"), "\(exec.errors)")
      #expect(try podman("inspect", "--format", "{{.State.Status}}", "one").output == "running\n")
      #expect(try podman("stop", "--time", "0", "one").code == 0)
      #expect(
        try podman("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "one").output == "exited 137\n")
      #expect(try podman("start", "one").code == 0)
      #expect(try podman("rm", "--force", "--time", "0", "one").code == 0)
      #expect(try podman("ps", "--all", "--quiet").output == "")
    }
  }

  @Test func aContainerIsAsItIsAskedFor() throws {
    try withPodman { (podman: Podman) throws in
      let script = "echo out; hostname; id -u; touch /x; grep -E 'CapBnd|Seccomp:' /proc/self/status; exit 5"
      let run = try podman.run(
        ["--rm", "--hostname", "name", "--user", "9", "--read-only", "--cap-drop", "all"], "sh", "-c", script)
      #expect(run.code == 5)
      #expect(run.output == "out\nname\n9\nCapBnd:\t0000000000000000\nSeccomp:\t2\n")
      #expect(run.errors.contains("Read-only file system"), "\(run.errors)")
      let terminal = try podman.run(["--rm", "--tty"], "sh", "-c", "tty; exit 4")
      #expect((terminal.code, terminal.output) == (4, "/dev/pts/0\r\n"), "\(terminal.errors)")
    }
  }
}
