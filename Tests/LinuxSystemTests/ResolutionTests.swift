import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// How the kernel's own files are opened for writing (CVE-2025-52881, CVE-2019-16884): below a directory, through no link that
/// leads elsewhere, and nothing that lies over them.
@Suite(.privateNamespace, .serialized)
struct ResolutionTests {
  private let resolution: Files.Resolution = [.beneath, .noMagicLinks, .noCrossingMounts]

  private func error(_ path: String) throws -> Errno? {
    let proc = try Files.open("/proc", O_PATH | O_DIRECTORY)
    do throws(SystemCallError) {
      _ = try Files.open(path, below: proc.borrowed, resolution, O_PATH)
      return nil
    } catch {
      return error.errno
    }
  }

  @Test func nothingLeadsAside() throws {
    #expect(try error("sys/kernel/hostname") == nil)
    #expect(try error("self/attr/current") == nil)
    #expect(try error("../etc/passwd") == Errno(rawValue: EXDEV))
    #expect(try error("/etc/passwd") == Errno(rawValue: EXDEV))
    #expect(try error("self/root/etc/passwd") == .tooManySymbolicLinkLevels)
    #expect(try error("self/fd/0") == .tooManySymbolicLinkLevels)
    try NetworkLab.run("mount --bind /etc/hostname /proc/sys/kernel/hostname")
    defer { _ = try? NetworkLab.run("umount /proc/sys/kernel/hostname") }
    #expect(try error("sys/kernel/hostname") == Errno(rawValue: EXDEV))
  }
}
