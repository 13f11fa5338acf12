import Foundation
import Glibc
import LinuxSystem
import TestSupport
import Testing

/// `stack oci`, where other runtimes have set what engines rely on.
@Suite(.privateNamespace, .serialized)
struct OCIRuntimeTests {
  @Test func aVariableIsSetOnce() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("env | sort")
      var text = try bundle.fixture.text("config.json")
      text = text.replacingOccurrences(of: #""TERM=xterm""#, with: #""A=1", "HOME=/x", "A=2", "HOME=""#)
      try bundle.fixture.write(text, to: "config.json")
      let lines = try bundle.oci("run", bundle.id).output.split(separator: "\n")
      #expect(lines.filter { $0.hasPrefix("A=") } == ["A=2"])
      #expect(lines.filter { $0.hasPrefix("HOME=") } == ["HOME=/root"])
    }
  }

  @Test func aHookIsNamedByItsPlace() throws {
    try Bundle.with { (bundle: Bundle) throws in
      for name in ["prestart", "createRuntime", "createContainer", "startContainer", "poststart"] {
        try bundle.configure(
          "sleep 1100", #", "hooks": {"\#(name)": [{"path": "/bin/true"}, {"path": "/bin/false"}]}"#)
        let run = try bundle.oci("run", "--detach", bundle.id)
        #expect(
          run.errors.contains("error running \(name) hook #1: /bin/false: \(name) hook failed with exit code 1"),
          "\(run.errors)")
        _ = try bundle.oci("delete", "--force", bundle.id)
      }
      let check = #"{"path": "/bin/sh", "args": ["sh", "-c", "[ $ONE = two ]"]}"#
      try bundle.configure("exit 3", #", "hooks": {"startContainer": [\#(check)]}"#)
      let text = try bundle.fixture.text("config.json").replacingOccurrences(of: "TERM=xterm", with: "ONE=two")
      try bundle.fixture.write(text, to: "config.json")
      #expect(try bundle.oci("run", bundle.id).code == 3)
    }
  }

  @Test func aUserNamespaceIsJoinedByItsPath() throws {
    try Bundle.with { (bundle: Bundle) throws in
      let map = #"[{"containerID": 0, "hostID": 100000, "size": 1000}]"#
      let maps = #", "uidMappings": \#(map), "gidMappings": \#(map)"#
      try Command.output(["chown", "-R", "100000:100000", "\(bundle.fixture.directory)/root"])
      try bundle.configure("exec sleep 1101", namespaces: ["user", "network", "ipc", "uts"], linux: maps)
      #expect(try bundle.oci("run", "--detach", bundle.id).code == 0)
      let pid = try #require(try bundle.state()["pid"] as? Int)
      try bundle.configure(
        "cat /proc/self/uid_map; id -u; readlink /proc/self/ns/user; echo x > /dev/null; : > /tmp/own")
      let text = try bundle.fixture.text("config.json").replacingOccurrences(
        of: #""namespaces": ["#, with: #""namespaces": [{"type": "user", "path": "/proc/\#(pid)/ns/user"}, "#)
      try bundle.fixture.write(text, to: "config.json")
      let run = try bundle.oci("run", "\(bundle.id)-2")
      #expect(run.errors == "")
      let lines = run.output.split(separator: "\n")
      #expect(lines.first?.split(separator: " ") == ["0", "100000", "1000"], "\(run.output)")
      #expect(lines.dropFirst().first == "0", "\(run.output)")
      #expect(try Files.status("\(bundle.fixture.directory)/root/tmp/own").st_uid == 100_000)
    }
  }

  @Test func allOfAContainerAreKilledWhoseProcessesAreTheHosts() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("sleep 1102 & exec sleep 1103")
      let text = try bundle.fixture.text("config.json").replacingOccurrences(of: #", {"type": "pid"}"#, with: "")
      try bundle.fixture.write(text, to: "config.json")
      #expect(try bundle.oci("run", "--detach", bundle.id).code == 0)
      let pid = try #require(try bundle.state()["pid"] as? Int)
      #expect(
        bundle.fixture.eventually { (try? bundle.oci("ps", "-f", "json", bundle.id).output.contains(",")) == true })
      kill(pid_t(pid), SIGKILL)
      #expect(try bundle.fixture.eventually { try bundle.status == "stopped" })
      #expect(try bundle.oci("kill", bundle.id, "TERM").errors.contains("container not running"))
      #expect(try bundle.oci("kill", bundle.id, "KILL").code == 0)
      #expect(try bundle.fixture.eventually { try bundle.oci("ps", "-f", "json", bundle.id).output == "[]\n" })
    }
  }

  @Test func aWaitingContainerHoldsNothingOfItsCallerAndEndsWhenAsked() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("exec sleep 1104")
      let root = "\(bundle.fixture.directory)/oci"
      let create = "exec 7< /etc/passwd; \(StackFixture.binary) oci --root \(root) create \(bundle.id)"
      #expect(try bundle.fixture.run("/bin/sh", ["-c", create]).code == 0)
      let pid = try #require(try bundle.state()["pid"] as? Int)
      let links = try Files.names(in: "/proc/\(pid)/fd").compactMap { Int($0) }.filter { $0 > 2 }
        .compactMap { try? Files.readLink("/proc/\(pid)/fd/\($0)") }
      #expect(!links.contains { $0.hasPrefix("/etc") || $0.hasPrefix("/sys") }, "\(links)")
      #expect(try bundle.oci("kill", bundle.id, "TERM").code == 0)
      #expect(try bundle.fixture.eventually { try bundle.status == "stopped" })
    }
  }

  @Test func aGroupOfOthersIsNotShared() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("exec sleep 1105", linux: #", "cgroupsPath": "/\#(bundle.id)""#)
      #expect(try bundle.oci("run", "--detach", bundle.id).code == 0)
      let second = try bundle.oci("run", "--detach", "\(bundle.id)-2")
      #expect(second.errors.contains("container's cgroup is not empty"), "\(second.errors)")
      // The first one goes on.
      #expect(try bundle.status == "running")
    }
  }

  @Test func mountsAreMadeWhereTheyAreMeant() throws {
    try Bundle.with { (bundle: Bundle) throws in
      let directory = bundle.fixture.directory
      try FileManager.default.createDirectory(atPath: "\(directory)/root/covered", withIntermediateDirectories: true)
      chmod("\(directory)/root/covered", 0o710)
      symlink("/jump/hosts", "\(directory)/root/etc/link")
      symlink("/tmp/a/b", "\(directory)/root/jump")
      try bundle.fixture.write("of the host", to: "file")
      let mounts = """
        {"destination": "/covered", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/etc/link", "type": "bind", "source": "\(directory)/file", "options": ["bind"]},
        {"destination": "/covered/again", "type": "bind", "source": "\(directory)/root/tmp/a", "options": ["rbind"]},
        """
      try bundle.configure(
        "stat -c %a /covered; cat /tmp/a/b/hosts; echo; cat /covered/again/b/hosts; echo; grep -c ' /www ' /proc/mounts;"
          + "grep ' /dev tmpfs' /proc/mounts",
        linux: #", "maskedPaths": ["/www", "/www", "/root"]"#)
      var text = try bundle.fixture.text("config.json")
      text = text.replacingOccurrences(of: #""mounts": ["#, with: #""mounts": [\#(mounts)"#)
        .replacingOccurrences(of: #""mode=755", "nosuid""#, with: #""mode=755", "nosuid", "ro""#)
      try bundle.fixture.write(text, to: "config.json")
      let run = try bundle.oci("run", bundle.id)
      let lines = run.output.split(separator: "\n")
      #expect(lines.prefix(4) == ["710", "of the host", "of the host", "1"], "\(run.output)\(run.errors)")
      #expect(lines.last?.contains("ro,") == true, "\(run.output)")
    }
  }

  @Test func processesAreListedAsByTheUsualCommand() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("exec sleep 1106")
      #expect(try bundle.oci("run", "--detach", bundle.id).code == 0)
      let full = try bundle.oci("ps", bundle.id).output.split(separator: "\n")
      #expect(full.first?.split(separator: " ") == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"])
      #expect(full.last?.hasPrefix("root ") == true && full.last?.hasSuffix("sleep 1106") == true, "\(full)")
      let short = try bundle.oci("ps", bundle.id, "-e", "-x").output
      #expect(short.contains("PID   TTY   STAT   TIME"), "\(short)")
      #expect(try bundle.oci("list", "-f", "json").output.hasPrefix(#"[{"ociVersion":"#))
      #expect(try bundle.oci("exec", "nobody-\(bundle.id)", "true").code == 255)
    }
  }

  @Test func processorsAreTheGroupsAndNotTheCallers() throws {
    try Bundle.with { (bundle: Bundle) throws in
      let all = try #require(
        Files.text("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list") })
      try bundle.configure("grep Cpus_allowed_list /proc/self/status > /tmp/mark; exec sleep 1107")
      let root = "\(bundle.fixture.directory)/oci"
      let run = "\(StackFixture.binary) oci --root \(root) run --detach \(bundle.id)"
      #expect(try bundle.fixture.run("/usr/bin/taskset", ["-c", "0", "/bin/sh", "-c", run]).code == 0)
      #expect(bundle.fixture.eventually { bundle.written("tmp/mark") == all })
      let affinity = #"{"initial": "0", "final": "0"}"#
      let process = #"{"args": ["grep", "Cpus_allowed_list", "/proc/self/status"], "cwd": "/", "env": ["PATH=/bin"]"#
      try bundle.fixture.write(#"\#(process), "execCPUAffinity": \#(affinity)}"#, to: "p.json")
      #expect(try bundle.oci("exec", "--process", "p.json", bundle.id).output == "Cpus_allowed_list:\t0\n")
    }
  }

  @Test func aHandleOnTheProcessIsSent() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("echo started > /tmp/mark; exec sleep 1108")
      try bundle.fixture.write(
        """
        import os, signal, socket, time
        server = socket.socket(socket.AF_UNIX)
        server.bind("socket")
        server.listen()
        descriptor = socket.recv_fds(server.accept()[0], 4096, 1)[1][0]
        while not os.path.exists("root/tmp/mark"): time.sleep(0.01)
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        """, to: "agent.py")
      let agent = try bundle.fixture.start("/usr/bin/python3", ["agent.py"])
      let path = "\(bundle.fixture.directory)/socket"
      #expect(bundle.fixture.eventually { FileManager.default.fileExists(atPath: path) })
      let run = try bundle.oci("run", "--detach", "--pidfd-socket", path, bundle.id)
      #expect(run.code == 0, "\(run.errors)")
      try agent.wait(seconds: 10)
      #expect(try bundle.fixture.eventually { try bundle.status == "stopped" })
    }
  }

  @Test func theNameOfAnotherRuntimeIsTaken() throws {
    try Bundle.with { (bundle: Bundle) throws in
      let path = "\(bundle.fixture.directory)/crun"
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: StackFixture.binary)
      #expect(try bundle.fixture.run(path, ["--version"]).output.hasPrefix("crun version "))
      #expect(
        try bundle.fixture.run(path, ["delete", "--help"]).output.contains("Usage: crun [OPTION...] delete CONTAINER"))
    }
  }

  @Test func anotherRuntimesWaysAreTaken() throws {
    try Bundle.with { (bundle: Bundle) throws in
      let directory = bundle.fixture.directory
      let root = "\(directory)/oci"
      for (name, start) in [("runc", "\(directory)/root\n"), ("crun", "\(directory)\n")] {
        let path = "\(directory)/\(name)"
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: StackFixture.binary)
        let hook = #"{"path": "/bin/sh", "args": ["sh", "-c", "pwd > \#(directory)/place"]}"#
        try bundle.configure("true", #", "hooks": {"createContainer": [\#(hook)]}"#)
        let run = try bundle.fixture.run(path, ["--root", root, "run", bundle.id])
        #expect(run.code == 0, "\(run.errors)")
        #expect(try bundle.fixture.text("place") == start)
        let version = try bundle.fixture.run(path, ["--version"]).output
        #expect(version.contains("\ncommit: v"))
        #expect(version.contains("+SYSTEMD") == (name == "crun"))
        let withoutProgram = try bundle.fixture.text("config.json").replacingOccurrences(
          of: #""process""#, with: #""annotations": {}, "nothing""#)
        try bundle.fixture.write(withoutProgram, to: "config.json")
        #expect(try bundle.fixture.run(path, ["--root", root, "create", bundle.id]).code == 0)
        let started = try bundle.fixture.run(path, ["--root", root, "start", bundle.id])
        #expect((started.code == 0) == (name == "crun"), "\(started.errors)")
        #expect(try bundle.status == (name == "crun" ? "stopped" : "created"))
        #expect(try bundle.oci("delete", bundle.id).code == 0)
        #expect(try bundle.fixture.run(path, ["checkpoint", "--help"]).output.contains("\(name) checkpoint"))
      }
      try bundle.configure("true")
      let mount = #"{"destination": "/mnt", "type": "bind", "source": "\#(directory)/none", "options": ["bind"]}"#
      let text = try bundle.fixture.text("config.json").replacingOccurrences(
        of: #""mounts": ["#, with: #""mounts": [\#(mount), "#)
      try bundle.fixture.write(text, to: "config.json")
      let run = try bundle.fixture.run("\(directory)/runc", ["--root", root, "run", bundle.id])
      let words = "unable to start container process: error during container init: error mounting /mnt: "
      #expect(run.errors.contains("runc run failed: \(words)"), "\(run.errors)")
      #expect(run.errors.hasSuffix(": no such file or directory\n"), "\(run.errors)")
      #expect(try bundle.oci("run", bundle.id).errors.hasPrefix("stack-oci: mount /mnt: "))
      let checkpoint = try bundle.oci("checkpoint", bundle.id)
      #expect(checkpoint.code == 1 && checkpoint.errors.contains("not supported"), "\(checkpoint.errors)")
      #expect(try !bundle.oci("--help").output.contains("checkpoint"))
    }
  }

  /// Flags of a mount that the container's own are made of.
  @Test func whatTheHostKeepsFromAMountIsTakenAwayByTheHostAlone() throws {
    try Bundle.with { (bundle: Bundle) throws in
      let place = "\(bundle.fixture.directory)/place"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      try Command.output(["mount", "-t", "tmpfs", "tmpfs", place])
      defer { _ = try? Command.output(["umount", place]) }
      try Command.output(["mount", "-o", "remount,bind,ro,noexec,noatime", place])
      let map = #"[{"containerID": 0, "hostID": 100000, "size": 1000}]"#
      func run(_ options: String, users: Bool) throws -> (output: String, errors: String) {
        let spaces = ["ipc", "uts"] + (users ? ["user", "network"] : [])
        try bundle.configure(
          "grep ' /mnt ' /proc/mounts | cut -d' ' -f4", namespaces: spaces,
          linux: users ? #", "uidMappings": \#(map), "gidMappings": \#(map)"# : "")
        let list = options.split(separator: " ").map { "\"\($0)\"" }.joined(separator: ", ")
        let mount = #"{"destination": "/mnt", "type": "bind", "source": "\#(place)", "options": [\#(list)]}"#
        let text = try bundle.fixture.text("config.json").replacingOccurrences(
          of: #""mounts": ["#, with: #""mounts": [\#(mount), "#)
        try bundle.fixture.write(text, to: "config.json")
        let outcome = try bundle.oci("run", bundle.id)
        return (outcome.output, outcome.errors)
      }
      #expect(try run("bind", users: false).output.hasPrefix("ro,noexec,noatime"))
      #expect(try run("bind rw exec", users: false).output.hasPrefix("rw,noatime"))
      #expect(try run("bind atime", users: false).output.hasPrefix("ro,noexec,noatime"))
      #expect(try run("bind ro nodiratime", users: false).output.hasPrefix("ro,nodiratime,relatime"))
      #expect(try run("bind ro noatime relatime norelatime", users: false).output.hasPrefix("ro,noatime"))
      try Command.output(["chown", "-R", "100000:100000", "\(bundle.fixture.directory)/root"])
      #expect(try run("bind nosuid", users: true).output.hasPrefix("ro,nosuid,noexec,noatime"))
      #expect(try run("bind ro noatime", users: true).output.hasPrefix("ro,noexec,noatime"))
      for options in ["bind rw", "bind exec", "bind relatime", "bind strictatime"] {
        #expect(try run(options, users: true).errors.contains("Operation not permitted"), "\(options)")
      }
    }
  }

  @Test(arguments: ["run", "run --detach", "create"])
  func thatAContainerIsReadyIsPassedOn(command: String) throws {
    try Bundle.with { (bundle: Bundle) throws in
      let directory = bundle.fixture.directory
      try bundle.configure("echo $NOTIFY_SOCKET > /tmp/mark; while [ ! -e /tmp/end ]; do sleep 0.05; done")
      // The manager, and what the program in the container would do.
      try bundle.fixture.write(
        """
        import os, socket, time
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind("manager")
        manager.settimeout(20)
        mark = "root/tmp/mark"
        while not os.path.exists(mark) or not os.path.getsize(mark): time.sleep(0.01)
        pid = open("pid").read()
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        os.chdir(f"/proc/{pid}/root")
        place = open("tmp/mark").read().strip().lstrip("/")
        os.chdir(os.path.dirname(place))
        sender.sendto(b"STATUS=soon", "notify")
        sender.sendto(b"STATUS=now\\nREADY=1", "notify")
        message = manager.recv(1000).decode()
        open("\(directory)/said", "w").write(message + f"\\n{pid}")
        open(f"/proc/{pid}/root/tmp/end", "w")
        """, to: "agent.py")
      let agent = try bundle.fixture.start("/usr/bin/python3", ["agent.py"])
      #expect(bundle.fixture.eventually { FileManager.default.fileExists(atPath: "\(directory)/manager") })
      let start = command == "create" ? "&& $stack start \(bundle.id)" : ""
      let script = """
        export NOTIFY_SOCKET=\(directory)/manager
        stack="timeout 20 \(StackFixture.binary) oci --root \(directory)/oci"
        $stack \(command) --pid-file pid \(bundle.id) \(start)
        """
      let run = try bundle.fixture.run("/bin/sh", ["-c", script])
      #expect(run.code == 0, "\(run.errors)")
      try agent.wait(seconds: 20)
      #expect(bundle.written("tmp/mark") == "\(directory)/manager/notify")
      let said = try bundle.fixture.text("said").split(separator: "\n")
      #expect(said.first == "READY=1")
      // Who ends names the one that stays.
      if command != "run" { #expect(said.dropFirst().first.map { "\($0)" } == "MAINPID=\(said.last ?? "")") }
      #expect(said.count == (command == "run" ? 2 : 3))
    }
  }

  @Test func howFarACommandHasComeIsTold() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("true")
      let log = "\(bundle.fixture.directory)/log"
      #expect(try bundle.oci("--debug", "--log", log, "run", bundle.id).errors == "")
      #expect(try bundle.fixture.text("log").contains("level=debug"))
      #expect(try bundle.oci("--debug", "run", bundle.id).errors.contains("level=debug"))
    }
  }
}
