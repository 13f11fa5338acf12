import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

/// A procfs of the engine's own, mounted nowhere: nothing can lie over its files and take what is written to them.
struct DetachedProc: ~Copyable {
  private let mount: DetachedMount

  init() throws(SystemCallError) {
    mount = try DetachedMount(type: "proc", source: "proc")
  }

  func write(_ text: String, to path: String) throws(SystemCallError) {
    let file = try Files.open(path, below: mount.descriptor, [.beneath, .noMagicLinks, .noCrossingMounts], O_WRONLY)
    try Files.writeAll(file.borrowed, text.utf8, object: path)
  }
}
