import Foundation
import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// A scope for one test of the built binary: a directory with a root file system of busybox, state of its own, and a project
/// that is taken down at the end whatever happened.
///
/// `Fixture.with { fixture in … }` reads as the commands that a user would type; what came of each is a value.
final class StackFixture {
  let directory: String
  let project: String
  private let environment: [String: String]

  struct Outcome {
    let code: Int32
    let output: String
    let errors: String
  }

  private init() throws {
    let identifier = UUID().uuidString.prefix(8).lowercased()
    project = "e2e-\(identifier)"
    directory = NSTemporaryDirectory() + "stack-\(identifier)"
    environment = [
      "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "STACK_RUN_DIR": "\(directory)/run",
      "STACK_DATA_DIR": "\(directory)/data",
      // The whole suite runs with either.
      "STACK_USERNS": ProcessInfo.processInfo.environment["STACK_USERNS"] ?? "",
    ]
    try makeRoot()
  }

  static func with(_ body: (StackFixture) throws -> Void) throws {
    let fixture = try StackFixture()
    defer {
      _ = try? fixture.stack("-p", fixture.project, "down", "-v", "-t", "0")
      try? FileManager.default.removeItem(atPath: fixture.directory)
    }
    try body(fixture)
  }

  private func makeRoot() throws {
    let files = FileManager.default
    for name in ["bin", "proc", "sys", "dev", "etc", "tmp", "run", "root", "www"] {
      try files.createDirectory(atPath: "\(directory)/root/\(name)", withIntermediateDirectories: true)
    }
    try files.copyItem(atPath: "/bin/busybox", toPath: "\(directory)/root/bin/busybox")
    for applet in [
      "sh", "sleep", "true", "false", "cat", "ls", "id", "hostname", "mount", "env", "httpd", "wget", "ip", "grep",
      "touch",
      "pwd", "nslookup", "seq", "dd", "yes", "head", "nc", "stat", "ps", "kill", "mknod", "rm", "wc", "sort", "tr",
      "od",
      "tty", "stty", "timeout", "cut", "mkdir",
    ] {
      try files.createSymbolicLink(atPath: "\(directory)/root/bin/\(applet)", withDestinationPath: "busybox")
    }
    try write("root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n", to: "root/etc/passwd")
    try write("root:x:0:\napp:x:1000:\nextra:x:1001:app\n", to: "root/etc/group")
  }

  func write(_ text: String, to path: String) throws {
    try text.write(toFile: "\(directory)/\(path)", atomically: true, encoding: .utf8)
  }

  /// Writes the stack file: `services` is what follows `services:`.
  func file(_ services: String, _ more: String = "") throws {
    try write("name: \(project)\nservices:\n\(services)\n\(more)\n", to: "stack.yaml")
  }

  /// The binary under test: `STACK_BINARY`, or what the package builds beside the tests.
  static let binary: String = {
    if let path = ProcessInfo.processInfo.environment["STACK_BINARY"], !path.isEmpty { return path }
    let bundle = CommandLine.arguments.first.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path } ?? ""
    for candidate in [bundle, "\(FileManager.default.currentDirectoryPath)/.build/debug"] {
      if FileManager.default.isExecutableFile(atPath: "\(candidate)/stack") { return "\(candidate)/stack" }
    }
    return "stack"
  }()

  /// Runs `stack` with these arguments in the fixture's directory. It is killed after 60 seconds.
  @discardableResult
  func stack(_ arguments: String...) throws -> Outcome {
    try run(Self.binary, arguments)
  }

  /// The same, with more variables in its environment.
  @discardableResult
  func stack(_ arguments: String..., environment: [String: String]) throws -> Outcome {
    try run("/usr/bin/env", environment.map { "\($0.key)=\($0.value)" } + [Self.binary] + arguments)
  }

  /// Runs a program in the fixture's directory. Output goes through files: a service that keeps a stream open does not keep the
  /// test waiting.
  @discardableResult
  func run(_ program: String, _ arguments: [String]) throws -> Outcome {
    let process = try start(program, arguments)
    return Outcome(code: try process.wait(seconds: 60), output: try read("out"), errors: try read("err"))
  }

  /// A program that was started.
  struct Running {
    let pid: pid_t
    private let handle: ProcessHandle

    init(pid: pid_t) throws {
      self.pid = pid
      handle = try ProcessHandle(pid: pid)
    }

    func signal(_ signal: Int32) { try? handle.signal(signal) }

    /// The exit code, 128 + n for signal n. After `seconds` the program is killed.
    @discardableResult
    func wait(seconds: Int) throws -> Int32 {
      if !handle.waitForEnd(milliseconds: seconds * StackFixture.patience * 1000) { try handle.signal(SIGKILL) }
      return try handle.reap().code
    }
  }

  func start(_ program: String, _ arguments: [String]) throws -> Running {
    let flags = O_WRONLY | O_CREAT | O_TRUNC
    let input = try Files.open("/dev/null", O_RDONLY)
    let output = try Files.open("\(directory)/out", flags, mode: 0o600)
    let errors = try Files.open("\(directory)/err", flags, mode: 0o600)
    let spawn = Spawn(
      path: "/usr/bin/env", arguments: ["env", "-C", directory, program] + arguments,
      environment: environment.map { "\($0.key)=\($0.value)" },
      descriptors: [0: input.borrowed, 1: output.borrowed, 2: errors.borrowed])
    return try Running(pid: try spawn.start())
  }

  /// The content of a file of the fixture's.
  func text(_ name: String) throws -> String { try read(name) }

  private func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")), as: UTF8.self)
  }

  /// What a command prints in a running service, without the last newline.
  func exec(_ service: String, _ command: String) throws -> String {
    let outcome = try run(Self.binary, ["exec", service, "sh", "-c", command])
    #expect(outcome.errors == "", "\(command)")
    return outcome.output.trimmingCharacters(in: .newlines)
  }

  /// How much longer than on a fast machine tests wait for what must happen (STACK_TEST_PATIENCE).
  static let patience = ProcessInfo.processInfo.environment["STACK_TEST_PATIENCE"].flatMap { Int($0) } ?? 1

  /// Waits until `condition` holds; false after so many seconds.
  func eventually(seconds: Int = 5, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Date().addingTimeInterval(TimeInterval(seconds * Self.patience))
    while Date() < deadline {
      if try condition() { return true }
      usleep(10_000)
    }
    return try condition()
  }

  /// Everything of the project that is left on the machine: processes, links, tables, cgroups, mounts and state.
  func leftovers() throws -> [String] {
    var found: [String] = []
    // The kernel removes a network namespace's links shortly after its last process.
    _ = try eventually {
      found = []
      let links = try run("/usr/bin/env", ["ip", "-br", "link"]).output
      found += links.split(separator: "\n").filter { $0.hasPrefix("stk-") || $0.hasPrefix("stv") }.map { "link \($0)" }
      let tables = try run("/usr/bin/env", ["nft", "list", "tables"]).output
      found += tables.split(separator: "\n").filter { $0.contains("stack-\(project)") }.map { "table \($0)" }
      let cgroups = try run("/usr/bin/find", ["/sys/fs/cgroup", "-maxdepth", "4", "-path", "*stack/\(project)*"]).output
      found += cgroups.split(separator: "\n").map { "cgroup \($0)" }
      for pid in try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init) {
        let line = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
        if line.contains("shim\0\(directory)/") { found.append("process \(pid)") }
      }
      for path in ["run/projects/\(project)", "data/logs/\(project)"]
      where FileManager.default.fileExists(atPath: "\(directory)/\(path)") {
        found.append("state \(path)")
      }
      let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
      found += mounts.split(separator: "\n").filter { $0.contains(directory) }.map { "mount \($0)" }
      return found.isEmpty
    }
    return found
  }
}
