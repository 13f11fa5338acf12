import LinuxSeccomp
import Testing

@Suite struct ForbiddenCallTests {
  private static let record =
    "audit: type=1326 audit(1795540466.235:2): auid=4294967295 uid=0 gid=0 ses=4294967295 pid=11484 comm=\"x y\" "
    + "exe=\"/bin/busybox\" sig=31 arch=c000003e syscall=79 compat=0 ip=0x7f23cb31f829 code=0x80000000"

  @Test func `a record of the kernel's log names the call`() {
    #expect(ForbiddenCall.name(in: Self.record, ofProcess: 11484) == "getcwd")
    #expect(ForbiddenCall.name(in: Self.record, ofProcess: 1148) == nil)
    func record(_ number: Int, _ architecture: String) -> String {
      Self.record.replacing("syscall=79", with: "syscall=\(number)").replacing("c000003e", with: architecture)
    }
    // The same number is another call on another architecture; newer calls than libseccomp's, and unknown ones.
    #expect(ForbiddenCall.name(in: record(17, "c00000b7"), ofProcess: 11484) == "getcwd")
    #expect(ForbiddenCall.name(in: record(462, "c000003e"), ofProcess: 11484) == "mseal")
    #expect(ForbiddenCall.name(in: record(9999, "c000003e"), ofProcess: 11484) == "9999")
    #expect(ForbiddenCall.name(in: "audit: type=1300 pid=11484 syscall=79 arch=c000003e", ofProcess: 11484) == nil)
  }
}
