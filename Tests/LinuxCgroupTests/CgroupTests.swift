import Dispatch
import Glibc
import LinuxCgroup
import LinuxSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// On the machine's own cgroup file systems, in a project of the tests' own.
@Suite(.privateNamespace, .serialized) struct CgroupTests {
  static let project = "test-cgroup-\(getpid())"

  /// The machine as it is, and, where it has both versions, as if it had the first one only.
  enum Machine: String, CaseIterable { case whole, legacyOnly }

  static func with(_ machine: Machine, _ body: (CgroupHierarchy) throws -> Void) throws {
    var hierarchy = try CgroupHierarchy.detect()
    if machine == .legacyOnly {
      if hierarchy.legacy.isEmpty { return }
      hierarchy = CgroupHierarchy(legacy: hierarchy.legacy, unified: nil, unifiedControllers: [])
    }
    defer {
      do {
        let project = try Cgroup(hierarchy, project: Self.project)
        try project.kill()
        try Cgroup.removeAll(of: Self.project, on: hierarchy)
        for mount in hierarchy.mountPoints { #expect(!Files.exists("\(mount)/\(project.path)")) }
      } catch {
        Issue.record(error)
      }
    }
    try body(hierarchy)
  }

  /// Starts a program whose first act is to enter the group: in every hierarchy, by a shell.
  static func start(_ script: String, in cgroup: Cgroup) throws -> ProcessHandle {
    let enter = cgroup.hierarchy.mountPoints.map { "\($0)/\(cgroup.path)" }.filter { Files.exists($0) }
      .map { "echo 0 > '\($0)/cgroup.procs'" }
    let pid = try Spawn(
      path: "/bin/busybox", arguments: ["sh", "-c", (enter + [script]).joined(separator: " && ")], environment: [],
      descriptors: [:]
    ).start()
    return try ProcessHandle(pid: pid)
  }

  /// How a process ended. One that does not end, because it is still frozen for example, fails the test instead of hanging it.
  static func end(of process: ProcessHandle) throws -> LinuxSystem.ExitStatus? {
    process.waitForEnd(milliseconds: 20_000) ? try process.reap() : nil
  }

  static func startSleeping(in cgroup: Cgroup) throws -> ProcessHandle {
    let handle = try start("exec sleep 100", in: cgroup)
    for _ in 0..<500 where try cgroup.processes().isEmpty { usleep(2000) }
    return handle
  }

  static let limits = {
    var limits = CgroupLimits()
    limits.pids = 10
    return limits
  }()

  /// Does something for each number below `count`, all at the same time.
  /// - Returns: what went wrong.
  static func atTheSameTime(_ count: Int, _ body: @Sendable (Int) throws -> Void) -> [String] {
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: count) { number in
      do {
        try body(number)
      } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    return failures.withLock { $0 }
  }

  /// The kernel shows a controller as enabled before its files are in the groups below.
  @Test(.enabled(if: (try? CgroupHierarchy.detect().unifiedControllers.contains(.pids)) == true))
  func groupsOfAProjectAreMadeAtTheSameTime() throws {
    try Self.with(.whole) { hierarchy in
      for round in 0..<30 {
        let groups = try (0..<4).map { try Cgroup(hierarchy, project: Self.project, container: "c\($0)") }
        #expect(Self.atTheSameTime(groups.count) { _ = try groups[$0].create(Self.limits) } == [], "\(round)")
        try Cgroup.removeAll(of: Self.project, on: hierarchy)
      }
    }
  }

  @Test func whatHoldsGroupsGoesWithTheLastOneAndComesWithTheNext() throws {
    let hierarchy = try CgroupHierarchy.detect()
    let top = "\(Self.project)-parents"
    let failures = Self.atTheSameTime(2) { number in
      for _ in 0..<100 {
        let group = try Cgroup(hierarchy, components: [top, "inner", "c\(number)"])
        _ = try group.create(Self.limits)
        try group.remove()
        try group.removeEmptyParents()
      }
    }
    #expect(failures == [])
    for mount in hierarchy.mountPoints { #expect(!Files.exists("\(mount)/\(top)"), "\(mount)") }
  }

  @Test(arguments: Machine.allCases)
  func life(machine: Machine) throws {
    try Self.with(machine) { hierarchy in
      let cgroup = try Cgroup(hierarchy, project: Self.project, container: "web")
      _ = try cgroup.create()
      _ = try cgroup.create()
      #expect(hierarchy.projects().contains(Self.project))
      #expect(try hierarchy.containers(of: Self.project) == ["web"])
      #expect(try !cgroup.isPopulated())
      #expect(try cgroup.waitUntilEmpty(milliseconds: 0))
      let sleeper = try Self.startSleeping(in: cgroup)
      #expect(try cgroup.isPopulated())
      #expect(try cgroup.processes().count == 1)
      #expect(try Cgroup(hierarchy, project: Self.project).isPopulated())
      #expect(try !cgroup.waitUntilEmpty(milliseconds: 20))
      #expect(throws: CgroupError.self) { try cgroup.remove(milliseconds: 10) }
      let statistics = try cgroup.statistics()
      #expect(statistics.pids == 1)
      #expect(statistics.memory ?? 0 > 0)
      #expect(statistics.cpuTime ?? 0 > 0)
      #expect(statistics.oomKills == 0)
      try cgroup.kill()
      #expect(try cgroup.waitUntilEmpty(milliseconds: 2000))
      #expect(try Self.end(of: sleeper) == .signalled(SIGKILL))
      try cgroup.remove()
      try cgroup.remove()
      #expect(try !cgroup.isPopulated())
      #expect(try hierarchy.containers(of: Self.project) == [])
      try cgroup.kill()
    }
  }

  /// Limits as the kernel gives them back, first set, then changed with a process inside; the change raises memory over the old
  /// sum of memory and swap.
  @Test(arguments: Machine.allCases)
  func limits(machine: Machine) throws {
    try Self.with(machine) { hierarchy in
      let cgroup = try Cgroup(hierarchy, project: Self.project, container: "limited")
      var limits = CgroupLimitsTests.limits
      limits.cpuset = nil
      _ = try cgroup.create(limits)
      func value(_ controller: CgroupController, _ legacy: String, _ unified: String) throws -> String {
        let directory = try #require(cgroup.directory(of: controller))
        if case .legacy = hierarchy.location(of: controller) { return try Files.text("\(directory)/\(legacy)") }
        return try Files.text("\(directory)/\(unified)")
      }
      #expect(try value(.memory, "memory.limit_in_bytes", "memory.max") == "67108864\n")
      #expect(try value(.pids, "pids.max", "pids.max") == "100\n")
      #expect(["50000\n", "50000 100000\n"].contains(try value(.cpu, "cpu.cfs_quota_us", "cpu.max")))
      #expect(["2048\n", "174\n"].contains(try value(.cpu, "cpu.shares", "cpu.weight")))
      let sleeper = try Self.startSleeping(in: cgroup)
      limits.memory = 512 << 20
      limits.memoryAndSwap = nil
      limits.cpuset = "0"
      limits.pids = -1
      _ = try cgroup.update(limits)
      #expect(try value(.memory, "memory.limit_in_bytes", "memory.max") == "536870912\n")
      #expect(try value(.pids, "pids.max", "pids.max") == "max\n")
      #expect(try value(.cpuset, "cpuset.cpus", "cpuset.cpus") == "0\n")
      let pid = try #require(try cgroup.processes().first)
      #expect(try Files.text("/proc/\(pid)/status").contains("Cpus_allowed_list:\t0\n"))
      try cgroup.kill()
      _ = try Self.end(of: sleeper)
    }
  }

  @Test(arguments: Machine.allCases)
  func freezing(machine: Machine) throws {
    try Self.with(machine) { hierarchy in
      let cgroup = try Cgroup(hierarchy, project: Self.project, container: "frozen")
      _ = try cgroup.create()
      // Counts in a file, so that standing still can be seen.
      try withTemporaryDirectory { directory in
        let counter = try Self.start(
          "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo $i > \(directory)/count; usleep 1000; done", in: cgroup)
        for _ in 0..<500 where !Files.exists("\(directory)/count") { usleep(2000) }
        #expect(try cgroup.freeze())
        let before = try Files.text("\(directory)/count")
        usleep(30_000)
        #expect(try Files.text("\(directory)/count") == before)
        try cgroup.thaw()
        try cgroup.thaw()
        for _ in 0..<500 where try Files.text("\(directory)/count") == before { usleep(2000) }
        #expect(try Files.text("\(directory)/count") != before)
        // Frozen processes die as well.
        #expect(try cgroup.freeze())
        try cgroup.kill()
        #expect(try cgroup.waitUntilEmpty(milliseconds: 2000))
        #expect(try Self.end(of: counter) == .signalled(SIGKILL))
      }
    }
  }

  /// A container may make groups of its own, and start processes while it is killed.
  @Test(arguments: Machine.allCases)
  func groupsWithinAndForking(machine: Machine) throws {
    try Self.with(machine) { hierarchy in
      let cgroup = try Cgroup(hierarchy, project: Self.project, container: "nested")
      _ = try cgroup.create()
      let directory = hierarchy.mountPoints.map { "\($0)/\(cgroup.path)" }.first { Files.exists($0) }
      let inner = "\(try #require(directory))/inner/deep"
      let shell = try Self.start(
        """
        mkdir -p \(inner) && echo 0 > \(inner)/cgroup.procs
        i=0; while [ $i -lt 30 ]; do i=$((i+1)); sleep 100 & done
        while :; do sleep 0.001; done
        """, in: cgroup)
      for _ in 0..<1000 where try cgroup.processes().count < 30 { usleep(2000) }
      #expect(try cgroup.processes().count >= 30)
      try Cgroup(hierarchy, project: Self.project).kill()
      #expect(try cgroup.waitUntilEmpty(milliseconds: 5000))
      let status = try Self.end(of: shell)
      #expect(status == .signalled(SIGKILL))
      try cgroup.remove()
      #expect(!Files.exists(inner))
    }
  }

  @Test func outOfMemory() throws {
    try Self.with(.whole) { hierarchy in
      let cgroup = try Cgroup(hierarchy, project: Self.project, container: "hungry")
      var limits = CgroupLimits()
      limits.memory = 8 << 20
      limits.memoryAndSwap = 8 << 20
      _ = try cgroup.create(limits)
      let hungry = try Self.start("exec tail -c 1000000000 /dev/zero", in: cgroup)
      #expect(hungry.waitForEnd(milliseconds: 20_000))
      #expect(try Self.end(of: hungry) == .signalled(SIGKILL))
      #expect(try cgroup.oomKills() == 1)
    }
  }

  /// By the controller of version 1, and by a program: on every machine that has the unified hierarchy.
  @Test(arguments: [true, false])
  func devices(byProgram: Bool) throws {
    let found = try CgroupHierarchy.detect()
    if !byProgram && found.legacy[.devices] == nil { return }
    if byProgram && found.unified == nil { return }
    try Self.with(.whole) { found in
      let hierarchy = CgroupHierarchy(
        legacy: byProgram ? found.legacy.filter { $0.key != .devices } : found.legacy, unified: found.unified,
        unifiedControllers: found.unifiedControllers)
      let cgroup = try Cgroup(hierarchy, project: Self.project, container: "devices")
      var rules = DeviceRules.containerDefault
      rules.allowed.append(.init(.character, 1, 11, .write))
      #expect(try cgroup.create(CgroupLimits(), devices: rules) == [])
      try withTemporaryDirectory { directory in
        let script = """
          cd \(directory) && mknod mem c 1 1 && mknod null c 1 3 && mknod kmsg c 1 11 || exit 10
          head -c 1 /dev/zero > null || exit 11
          if head -c 1 mem 2> error; then exit 12; fi
          grep -q "not permitted" error || exit 13
          if head -c 1 < kmsg; then exit 14; fi
          : > kmsg || exit 15
          """
        let status = try Self.end(of: Self.start("{ \(script); } 2> /dev/null", in: cgroup))
        #expect(status == .exited(0))
      }
      try cgroup.remove()
      let privileged = try Cgroup(hierarchy, project: Self.project, container: "privileged")
      _ = try privileged.create(CgroupLimits(), devices: .all)
      try withTemporaryDirectory { directory in
        let script = "cd \(directory) && mknod kmsg c 1 11 && head -c 1 < kmsg > read"
        let status = try Self.end(of: Self.start(script, in: privileged))
        #expect(status == .exited(0))
      }
    }
  }

  /// One thread of this process goes into the groups of version 1 and vanishes there.
  @Test func entrance() throws {
    try Self.with(.whole) { hierarchy in
      let cgroup = try Cgroup(hierarchy, project: Self.project, container: "entered")
      _ = try cgroup.create()
      #expect(try (cgroup.openForClone() == nil) == (hierarchy.unified == nil))
      if hierarchy.legacy.isEmpty { return }
      let membership = try onOwnThread { () -> String in
        try cgroup.openEntrance(unified: false).enter()
        return try Files.text("/proc/thread-self/cgroup")
      }
      #expect(membership.contains(":memory:/\(cgroup.path)\n"))
      #expect(membership.contains(":pids:/\(cgroup.path)\n"))
      #expect(membership.contains(":cpu:/\(cgroup.path)\n"))
    }
  }

  @Test func attachingAnother() throws {
    try Self.with(.whole) { hierarchy in
      let first = try Cgroup(hierarchy, project: Self.project, container: "first")
      let second = try Cgroup(hierarchy, project: Self.project, container: "second")
      _ = try first.create()
      _ = try second.create()
      let sleeper = try Self.startSleeping(in: first)
      let pid = try #require(try first.processes().first)
      try second.attach(pid)
      #expect(try first.processes() == [])
      #expect(try second.processes() == [pid])
      try first.remove()
      try second.kill()
      _ = try Self.end(of: sleeper)
    }
  }
}
