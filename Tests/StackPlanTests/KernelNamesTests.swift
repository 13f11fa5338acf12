import InternetAddress
import StackPlan
import Testing

@Suite struct KernelNamesTests {
  @Test func `names are those of the contract`() {
    #expect(KernelNames.bridge(project: "web", network: "web_default").wholeMatch(of: /stk-[0-9a-f]{8}/) != nil)
    let interface = KernelNames.hostInterface(project: "web", container: "web-db-1", index: 12)
    #expect(interface.wholeMatch(of: /stv[0-9a-f]{8}n12/) != nil)
    #expect(KernelNames.table(project: "web") == "stack-web")
    #expect(KernelNames.cgroup(project: "web", container: "web-db-1") == "stack/web/web-db-1")
    #expect(KernelNames.container(project: "web", service: "db") == "web-db-1")
  }

  @Test func `interfaces have at most 15 characters`() {
    let name = String(repeating: "x", count: 300)
    #expect(KernelNames.bridge(project: name, network: name).utf8.count <= 15)
    #expect(KernelNames.hostInterface(project: name, container: name, index: 999).utf8.count <= 15)
  }

  @Test func `names differ where what they name does`() {
    // The parts do not run into each other.
    #expect(KernelNames.bridge(project: "ab", network: "c") != KernelNames.bridge(project: "a", network: "bc"))
    let all = (0..<100).flatMap { project in
      (0..<20).map { KernelNames.bridge(project: "p\(project)", network: "n\($0)") }
    }
    #expect(Set(all).count == all.count)
  }

  @Test func `names stay the same from build to build`() {
    // FNV-1a's own test vector (RFC 9923).
    var hash = StableHash()
    hash.combine("foobar".utf8)
    #expect(hash.value == 0x8594_4171_F739_67E8)
    #expect(KernelNames.bridge(project: "web", network: "web_default") == "stk-1f5728c3")
  }

  @Test func `a link group is never the default one`() {
    for number in 0..<1000 {
      let group = KernelNames.linkGroup(project: "p\(number)")
      #expect(group >> 24 == 0x53)
    }
  }

  @Test func `hexadecimal numbers have all their digits`() {
    #expect(StableHash.hexadecimal(UInt8(0)) == "00" && StableHash.hexadecimal(UInt32(0xAB)) == "000000ab")
  }
}
