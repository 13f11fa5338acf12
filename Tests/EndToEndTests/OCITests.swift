import Foundation
import Glibc
import LinuxSystem
import TestSupport
import Testing

/// `stack oci`: the life of a container that an OCI bundle describes.
@Suite(.privateNamespace, .serialized)
struct OCITests {
  /// CVE class of cgroupsPath: a path that leads out of the cgroup file systems is refused before anything is made.
  @Test(arguments: ["/../../stack-out", "a/../../../stack-out", "../stack-out"])
  func aCgroupIsWhereCgroupsAre(path: String) throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("true", linux: ", \"cgroupsPath\": \"\(path)\"")
      let run = try bundle.oci("run", bundle.id)
      #expect(run.code != 0 && run.errors.contains("leads out of the cgroup file system"), "\(run.errors)")
    }
  }

  /// CVE-2024-21626: also a descriptor that the container is given is no way out.
  @Test func aDirectoryThatIsHandedOverIsNoWorkingDirectory() throws {
    try Bundle.with { (bundle: Bundle) throws in
      for path in ["/proc/self/fd/3", "/proc/self/fd/3/..", "/proc/1/fd/3"] {
        try bundle.configure("pwd; ls")
        let text = try bundle.fixture.text("config.json").replacingOccurrences(
          of: #""cwd": "/""#, with: "\"cwd\": \"\(path)\"")
        try bundle.fixture.write(text, to: "config.json")
        let oci = "\(StackFixture.binary) oci --root \(bundle.fixture.directory)/oci"
        let run = try bundle.fixture.run("/bin/sh", ["-c", "exec \(oci) run --preserve-fds 1 \(bundle.id) 3</etc"])
        #expect(run.code != 0 && run.errors.contains("Too many levels of symbolic links"), "\(run)")
        _ = try bundle.oci("delete", "--force", bundle.id)
      }
    }
  }

  @Test func aContainerGoesThroughItsStates() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("echo started > /tmp/mark; exec sleep 1003")
      try bundle.create("--pid-file", "pid")
      #expect(try bundle.status == "created")
      #expect(bundle.written("tmp/mark") == "")
      let pid = try #require(try bundle.state()["pid"] as? Int)
      #expect(try bundle.fixture.text("pid") == "\(pid)")

      #expect(try bundle.oci("start", bundle.id).code == 0)
      #expect(try bundle.status == "running")
      #expect(bundle.fixture.eventually { bundle.written("tmp/mark") == "started" })
      #expect(try bundle.oci("start", bundle.id).errors.contains("it is running, not created"))
      #expect(try bundle.oci("ps", "--format", "json", bundle.id).output == "[\(pid)]\n")
      #expect(try bundle.oci("list", "-q").output == "\(bundle.id)\n")
      #expect(try bundle.oci("list").output.contains("running"))

      #expect(try bundle.oci("pause", bundle.id).code == 0)
      #expect(try bundle.status == "paused")
      #expect(try bundle.oci("exec", bundle.id, "true").errors.contains("cannot exec in a paused container"))
      #expect(try bundle.oci("resume", bundle.id).code == 0)
      #expect(try bundle.status == "running")

      #expect(try bundle.oci("delete", bundle.id).errors.contains("that is not stopped: running"))
      #expect(try bundle.oci("kill", bundle.id, "KILL").code == 0)
      #expect(try bundle.fixture.eventually { try bundle.status == "stopped" })
      #expect(try bundle.oci("kill", bundle.id).errors.contains("container not running"))
      #expect(try bundle.oci("delete", bundle.id).code == 0)
      #expect(try bundle.oci("state", bundle.id).errors.contains("does not exist"))
      #expect(try bundle.groups() == [])
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(bundle.fixture.directory)/oci") == [])
    }
  }

  @Test func theGroupOfAllContainersGoesWithTheLastOne() throws {
    try Bundle.with { (bundle: Bundle) throws in
      func groups(_ name: String) throws -> [String] {
        try bundle.fixture.run("/usr/bin/find", ["/sys/fs/cgroup", "-maxdepth", "3", "-name", name]).output
          .split(separator: "\n").map(String.init)
      }
      for path in ["", #", "cgroupsPath": "\#(bundle.id)-above/below""#] {
        for (command, code) in [("true", 0), ("exec nothing-of-this-name", 127)] as [(String, Int32)] {
          try bundle.configure(command, linux: path)
          let run = try bundle.oci("run", bundle.id)
          #expect(run.code == code, "\(run.errors)")
        }
      }
      try bundle.configure("true", #", "hooks": {"createRuntime": [{"path": "/bin/false"}]}"#)
      #expect(try bundle.oci("run", bundle.id).code == 1)
      #expect(try groups("\(bundle.id)-above") == [])
      // Other tests have containers in it meanwhile.
      let isRight = try bundle.fixture.eventually {
        try groups("stack-oci").allSatisfy { group in
          try bundle.fixture.run("/usr/bin/find", [group, "-mindepth", "1", "-type", "d"]).output != ""
        }
      }
      #expect(isRight)
    }
  }

  @Test func runStaysUntilTheProgramEnds() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("echo out; echo err >&2; exit 7")
      let run = try bundle.oci("run", bundle.id)
      #expect((run.code, run.output, run.errors) == (7, "out\n", "err\n"))
      #expect(try bundle.status == "")
      try bundle.configure("exec nothing-of-this-name")
      #expect(try bundle.oci("run", bundle.id).code == 127)
    }
  }

  @Test func furtherProcessesAreLikeTheFirst() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("exec sleep 1004", process: #", "user": {"uid": 5, "gid": 6, "additionalGids": [7]}"#)
      #expect(try bundle.oci("run", "--detach", bundle.id).code == 0)
      let exec = try bundle.oci(
        "exec", "-e", "TERM=dumb", "--cwd", "/tmp", bundle.id, "sh", "-c", "id; pwd; echo $TERM; exit 3")
      #expect(exec.code == 3)
      #expect(exec.output == "uid=5 gid=6 groups=7\n/tmp\ndumb\n")
      #expect(try bundle.oci("exec", "-u", "8:9", bundle.id, "id").output.hasPrefix("uid=8 gid=9"))
      try bundle.fixture.write(#"{"args": ["/bin/sh", "-c", "echo $X"], "env": ["X=y"], "cwd": "/"}"#, to: "p.json")
      #expect(try bundle.oci("exec", "--process", "p.json", bundle.id).output == "y\n")
      #expect(try bundle.oci("exec", bundle.id, "nothing-of-this-name").code == 255)
      #expect(try bundle.oci("exec", "--cgroup", "../x", bundle.id, "true").errors.contains("not allowed"))
    }
  }

  @Test func limitsCanBeChangedAndUseIsTold() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("exec sleep 1005", linux: #", "resources": {"pids": {"limit": 11}}"#)
      #expect(try bundle.oci("run", "--detach", bundle.id).code == 0)
      func limit() throws -> String? {
        try bundle.groups().lazy.map { "\($0)/pids.max" }.compactMap { try? Files.text($0) }.first
      }
      #expect(try limit() == "11\n")
      let update = try bundle.oci("update", "--pids-limit", "13", bundle.id)
      #expect(update.code == 0, "\(update.errors)")
      #expect(try limit() == "13\n")
      let events = try bundle.oci("events", "--stats", bundle.id).output
      #expect(events.contains(#""type":"stats""#), "\(events)")
      #expect(events.contains(#""current":1"#), "\(events)")
    }
  }

  @Test func hooksAreRunInTheirOrder() throws {
    try Bundle.with { (bundle: Bundle) throws in
      let trace = "\(bundle.fixture.directory)/root/tmp/trace"
      func hook(_ name: String, _ file: String = trace) -> String {
        #""\#(name)": [{"path": "/bin/sh", "args": ["sh", "-c", "cat > \#(file).\#(name); echo \#(name) >> \#(file)"]}]"#
      }
      let hooks =
        ["prestart", "createRuntime", "createContainer", "poststart", "poststop"].map { hook($0) }
        + [hook("startContainer", "/tmp/trace")]
      try bundle.configure("echo program >> /tmp/trace; sleep 1006", #", "hooks": {\#(hooks.joined(separator: ", "))}"#)
      #expect(try bundle.oci("run", "--detach", bundle.id).code == 0)
      #expect(try bundle.oci("delete", "--force", bundle.id).code == 0)
      // The program and what comes after its start are side by side.
      var names = bundle.written("tmp/trace").split(separator: "\n").filter { $0 != "program" }
      #expect(names == ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"])
      names.removeLast(2)
      for name in names { #expect(bundle.written("tmp/trace.\(name)").contains(#""id":"\#(bundle.id)""#), "\(name)") }
      #expect(bundle.written("tmp/trace.poststop").contains(#""status":"stopped""#))
    }
  }

  @Test func aHookThatFailsEndsTheContainer() throws {
    try Bundle.with { (bundle: Bundle) throws in
      for name in ["createRuntime", "createContainer", "startContainer", "poststart"] {
        try bundle.configure("exec sleep 1007", #", "hooks": {"\#(name)": [{"path": "/bin/false"}]}"#)
        let run = try bundle.oci("run", "--detach", bundle.id)
        #expect(run.code != 0, "\(name)")
        #expect(run.errors.contains("hook"), "\(run.errors)")
        _ = try bundle.oci("delete", "--force", bundle.id)
        #expect(try bundle.status == "", "\(name)")
        #expect(try bundle.groups() == [])
      }
    }
  }

  @Test func failuresAreToldInTheLogToo() throws {
    try Bundle.with { (bundle: Bundle) throws in
      let log = "\(bundle.fixture.directory)/log"
      let start = try bundle.oci("--log", log, "--log-format", "json", "start", "nobody")
      #expect(start.code == 1)
      #expect(start.errors == "stack-oci: container nobody does not exist\n")
      let line = try #require(
        JSONSerialization.jsonObject(with: Data(bundle.fixture.text("log").utf8)) as? [String: Any])
      #expect(line["level"] as? String == "error")
      #expect(line["msg"] as? String == "container nobody does not exist")
      #expect(try bundle.oci("--log", "/nothing/here", "list").errors.contains("No such file or directory"))
      #expect(try bundle.oci("state", "../x").errors.contains("invalid container ID"))
      try bundle.fixture.write(#"{"ociVersion": "1.0.0", "process": {"cwd": "x"}, "hostname": 5}"#, to: "config.json")
      let create = try bundle.oci("create", bundle.id)
      #expect(create.errors.contains("hostname: is not a string\nprocess: cwd is not an absolute path"))
    }
  }

  @Test func whatIsWrittenForABeginningRuns() throws {
    try Bundle.with { (bundle: Bundle) throws in
      #expect(try bundle.oci("spec").code == 0)
      #expect(try bundle.oci("spec").errors.contains("exists"))
      var text = try bundle.fixture.text("config.json")
      text = text.replacingOccurrences(of: #""rootfs""#, with: #""root""#)
        .replacingOccurrences(of: #""terminal": true"#, with: #""terminal": false"#)
        .replacingOccurrences(of: #""sh""#, with: #""hostname""#)
        // What root of a machine in a container may not raise.
        .replacingOccurrences(of: "RLIMIT_NOFILE", with: "RLIMIT_CORE").replacingOccurrences(of: "1024", with: "0")
      try bundle.fixture.write(text, to: "config.json")
      let run = try bundle.oci("run", bundle.id)
      #expect((run.code, run.output) == (0, "stack-oci\n"), "\(run.errors)")
      let features = try bundle.oci("features").output
      #expect(features.contains("SCMP_ACT_NOTIFY"))
      #expect(try JSONSerialization.jsonObject(with: Data(features.utf8)) is [String: Any])
    }
  }

  /// A program on the host that takes descriptors over a socket; what it prints is in the file `agent`.
  private static func agent(_ bundle: Bundle, _ body: String) throws -> StackFixture.Running {
    try bundle.fixture.write(
      """
      import os, socket, sys
      server = socket.socket(socket.AF_UNIX)
      server.bind("socket")
      server.listen()
      connection = server.accept()[0]
      message, descriptors = socket.recv_fds(connection, 65536, 2)[:2]
      sys.stdout = open("agent", "w")
      \(body)
      sys.stdout.close()
      """, to: "agent.py")
    let running = try bundle.fixture.start("/usr/bin/python3", ["agent.py"])
    let isThere = bundle.fixture.eventually {
      FileManager.default.fileExists(atPath: "\(bundle.fixture.directory)/socket")
    }
    #expect(isThere)
    return running
  }

  @Test func aTerminalIsHandedOver() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure(
        "tty; stty size", process: #", "terminal": true, "consoleSize": {"height": 11, "width": 22}"#)
      #expect(try bundle.oci("create", bundle.id).errors.contains("needs --console-socket"))
      let agent = try Self.agent(bundle, "print(message, os.read(descriptors[0], 100))")
      // Who reads what it prints does not wait for the start.
      let root = "\(bundle.fixture.directory)/oci"
      let create = "\(StackFixture.binary) oci --root \(root) create --console-socket socket \(bundle.id) | cat"
      #expect(try bundle.fixture.run("/usr/bin/timeout", ["10", "/bin/sh", "-c", create]).code == 0)
      #expect(try bundle.status == "created")
      #expect(try bundle.oci("start", bundle.id).code == 0)
      try agent.wait(seconds: 10)
      let said = try bundle.fixture.text("agent")
      #expect(said.hasPrefix("b'/dev/ptmx' b'/dev/"), "\(said)")
    }
  }

  @Test func callsAreHandedToAListener() throws {
    try Bundle.with { (bundle: Bundle) throws in
      let path = "\(bundle.fixture.directory)/socket"
      let profile = #"""
        , "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "\#(path)", "listenerMetadata": "words",
        "syscalls": [{"names": ["mkdir", "mkdirat", "sendmsg", "getpriority"], "action": "SCMP_ACT_NOTIFY"}]}
        """#
      try bundle.configure("mkdir /tmp/made || echo refused > /tmp/mark; exec sleep 1008", linux: profile)
      // Without a listener any more, calls fail: its descriptor ends with the agent.
      let agent = try Self.agent(bundle, "print(len(descriptors), message.decode())")
      let run = try bundle.oci("run", "--detach", bundle.id)
      #expect(run.code == 0, "\(run.errors)")
      try agent.wait(seconds: 10)
      let said = try bundle.fixture.text("agent")
      let pid = try #require(try bundle.state()["pid"] as? Int)
      #expect(said.hasPrefix(#"1 {"ociVersion":"1."#), "\(said)")
      for part in [#""fds":["seccompFd"]"#, #""metadata":"words""#, #""pid":\#(pid)"#, #""id":"\#(bundle.id)""#] {
        #expect(said.contains(part), "\(part) in \(said)")
      }
      #expect(bundle.fixture.eventually { bundle.written("tmp/mark") == "refused" })
    }
  }

  @Test func aDeviceOfTheNetworkMovesWithItsAddresses() throws {
    try Bundle.with { (bundle: Bundle) throws in
      for command in [
        "link add oci0 type veth peer name oci1", "addr add 10.9.8.7/24 dev oci0", "addr add fd00::7/64 dev oci0",
        "link set oci1 up",
      ] {
        try Command.output(["ip"] + command.split(separator: " ").map(String.init))
      }
      defer { _ = try? Command.output(["ip", "link", "delete", "oci1"]) }
      try bundle.configure("ip addr show dev in0", linux: #", "netDevices": {"oci0": {"name": "in0"}}"#)
      let run = try bundle.oci("run", bundle.id)
      #expect(run.code == 0, "\(run.errors)")
      for part in ["inet 10.9.8.7/24", "inet6 fd00::7/64", "UP"] { #expect(run.output.contains(part), "\(run.output)") }
      try bundle.configure("true", linux: #", "netDevices": {"oci7": {}}"#)
      #expect(try bundle.oci("run", bundle.id).errors.contains("look up interface oci7: No such device"))
    }
  }

  @Test func devicesWorkInAUserNamespace() throws {
    try Bundle.with { (bundle: Bundle) throws in
      let map = #"[{"containerID": 0, "hostID": 100000, "size": 1000}]"#
      let device =
        #"{"path": "/dev/nothing", "type": "c", "major": 1, "minor": 3, "fileMode": 438, "uid": 4, "gid": 5}"#
      try Command.output(["chown", "-R", "100000:100000", "\(bundle.fixture.directory)/root"])
      try bundle.configure(
        "stat -c '%a %u %g' /dev/nothing; echo x > /dev/nothing; grep -c nosuid,noexec /proc/self/mountinfo",
        namespaces: ["user", "network", "ipc", "uts"],
        linux: #", "uidMappings": \#(map), "gidMappings": \#(map), "devices": [\#(device)]"#)
      let run = try bundle.oci("run", bundle.id)
      #expect(run.output.hasPrefix("666 4 5\n"), "\(run.output)\(run.errors)")
      #expect(run.errors == "")
    }
  }

  /// Only version 1 lets a container's process be frozen in a group of somebody else's.
  @Test(
    .enabled(if: Files.exists("/sys/fs/cgroup/freezer/freezer.state") || Files.exists("/sys/fs/cgroup/freezer/tasks")))
  func whatSomebodyElseHasFrozenIsDeleted() throws {
    try Bundle.with { (bundle: Bundle) throws in
      try bundle.configure("exec sleep 1009")
      #expect(try bundle.oci("run", "--detach", bundle.id).code == 0)
      let pid = try #require(try bundle.state()["pid"] as? Int)
      let other = "/sys/fs/cgroup/freezer/\(bundle.id)-other"
      try Files.makeDirectory(other, mode: 0o755)
      defer { _ = try? Files.removeDirectory(other) }
      try Files.write("\(pid)", to: "\(other)/cgroup.procs")
      try Files.write("FROZEN", to: "\(other)/freezer.state")
      let delete = try bundle.oci("delete", "--force", bundle.id)
      #expect(delete.code == 0, "\(delete.errors)")
      #expect(try bundle.status == "")
    }
  }
}
