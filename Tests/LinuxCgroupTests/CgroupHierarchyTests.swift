import LinuxCgroup
import LinuxSystem
import SystemPackage
import Testing

@Suite struct CgroupHierarchyTests {
  @Test func hybrid() throws {
    try FakeHierarchy.with { fake in
      try fake.file("unified/cgroup.controllers", "hugetlb\n")
      let hierarchy = try fake.detect(FakeHierarchy.hybridMounts)
      #expect(hierarchy.unified == "\(fake.root)/unified")
      #expect(hierarchy.unifiedControllers == [.hugetlb])
      #expect(hierarchy.location(of: .memory) == .legacy("\(fake.root)/memory"))
      #expect(hierarchy.location(of: .cpuacct) == .absent)
      #expect(hierarchy.mountPoints.first == "\(fake.root)/unified")
    }
  }

  @Test func unifiedOnly() throws {
    try FakeHierarchy.with { fake in
      try fake.file("cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma\n")
      let hierarchy = try fake.detect(["31 23 0:28 / ROOT rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"])
      #expect(hierarchy.unifiedControllers == [.cpuset, .cpu, .io, .memory, .hugetlb, .pids, .rdma])
      #expect(hierarchy.location(of: .pids) == .unified(fake.root))
      #expect(hierarchy.location(of: .devices) == .absent)
      #expect(hierarchy.mountPoints == [fake.root])
    }
  }

  /// Controllers mounted together, a container's own part of the tree, and a space in a mount point.
  @Test func legacyOnly() throws {
    try FakeHierarchy.with { fake in
      let hierarchy = try fake.detect([
        "32 31 0:29 /docker/abc ROOT/cpu,cpuacct ro,relatime master:3 shared:7 - cgroup cgroup rw,cpu,cpuacct",
        "33 31 0:30 / ROOT/with\\040space rw - cgroup cgroup rw,memory",
        "34 31 0:31 / /elsewhere rw - cgroup2 cgroup2 rw",
      ])
      #expect(hierarchy.unified == nil)
      #expect(hierarchy.location(of: .cpu) == .legacy("\(fake.root)/cpu,cpuacct"))
      #expect(hierarchy.location(of: .cpuacct) == .legacy("\(fake.root)/cpu,cpuacct"))
      #expect(hierarchy.location(of: .memory) == .legacy("\(fake.root)/with space"))
      #expect(hierarchy.mountPoints.count == 2)
    }
  }

  @Test func notMounted() throws {
    try FakeHierarchy.with { fake in
      #expect(throws: CgroupError.notMounted(root: fake.root)) {
        try fake.detect(["34 31 0:31 / /elsewhere rw - cgroup2 cgroup2 rw", "nonsense", ""])
      }
    }
  }

  @Test(arguments: [
    ("web-1", "stack/shop/web-1"), ("a", "stack/shop/a"), ("0.x_Y", "stack/shop/0.x_Y"),
    // Names of files that the kernel puts into each directory, or may.
    ("tasks", "stack/shop/_tasks"), ("memory.max", "stack/shop/_memory.max"), ("cpu.stat", "stack/shop/_cpu.stat"),
    ("cgroup.procs", "stack/shop/_cgroup.procs"), ("memory", "stack/shop/memory"),
    ("release_agent", "stack/shop/_release_agent"),
  ])
  func paths(name: String, path: String) throws {
    let hierarchy = CgroupHierarchy(legacy: [:], unified: "/none", unifiedControllers: [])
    #expect(try Cgroup(hierarchy, project: "shop", container: name).path == path)
  }

  @Test(arguments: ["", ".", "..", "a/b", "_a", "-a", ".hidden", "a b", "a\n", "ä", String(repeating: "x", count: 255)])
  func refusedNames(name: String) {
    let hierarchy = CgroupHierarchy(legacy: [:], unified: "/none", unifiedControllers: [])
    #expect(throws: CgroupError.invalidName(name)) { try Cgroup(hierarchy, project: "shop", container: name) }
    #expect(throws: CgroupError.invalidName(name)) { try Cgroup(hierarchy, project: name) }
  }

  /// Where systemd keeps the hierarchy, nothing is made, enabled or removed but in the scope that it gave.
  @Test func withSystemdAStackIsInAScope() throws {
    try FakeHierarchy.with { (fake: FakeHierarchy) throws in
      let hierarchy = CgroupHierarchy(
        legacy: [:], unified: fake.root, unifiedControllers: [.memory, .pids, .cpu], isOfSystemd: true)
      let web = try Cgroup(hierarchy, project: "shop", container: "web")
      #expect(web.path == "system.slice/stack-shop.scope/web")
      try fake.file("cgroup.subtree_control")
      try fake.file("system.slice/cgroup.subtree_control")
      #expect(throws: CgroupError.self) { _ = try web.create() }
      #expect(!Files.exists("\(fake.root)/system.slice/stack-shop.scope"))
      try fake.file("system.slice/stack-shop.scope/cgroup.subtree_control")
      try fake.file("system.slice/stack-shop.scope/.engine/cgroup.procs")
      try fake.file("system.slice/ssh.service/cgroup.procs")
      _ = try? web.create()
      #expect(try fake.text("system.slice/stack-shop.scope/cgroup.subtree_control") == "+cpu +memory +pids")
      #expect(try fake.text("cgroup.subtree_control") + fake.text("system.slice/cgroup.subtree_control") == "")
      #expect(hierarchy.projects() == ["shop"])
      #expect(try hierarchy.containers(of: "shop") == ["web"])
      try Cgroup.removeAll(of: "shop", on: hierarchy)
      #expect(try hierarchy.containers(of: "shop") == [])
      #expect(Files.exists("\(fake.root)/system.slice/stack-shop.scope/.engine"))
    }
  }
}
