import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// Namespaces that a container shares with others: the parent enters them for a moment, so that its child is born in them.
///
/// The mount namespace is entered too, last: what the parent has opened before stays what it is.
struct JoinedNamespaces {
  private let saved: [(descriptor: SharedDescriptor, flag: CInt, name: String)]

  /// Enters all that have a path, and makes the time namespace of the children to come. The caller must be single-threaded.
  init(_ namespaces: ListedNamespaces) throws(LaunchError) {
    // All are opened before one is entered: paths are the caller's.
    var entered: [(target: SharedDescriptor?, own: SharedDescriptor, flag: CInt, name: String)] = []
    for (origin, flag, name) in namespaces.flagged.reversed() {
      let target: SharedDescriptor?
      switch origin {
      case .inherited: continue
      case .own:
        if flag != CLONE_NEWTIME { continue }
        target = nil
      case .at(let path):
        target = SharedDescriptor(try attempt("open \(name) namespace") { try Files.open(path, O_RDONLY) })
      }
      let own = try attempt("open \(name) namespace") { try Files.open("/proc/self/ns/\(name)", O_RDONLY) }
      entered.append((target, SharedDescriptor(own), flag, name))
    }
    var saved: [(descriptor: SharedDescriptor, flag: CInt, name: String)] = []
    for entry in entered {
      if let target = entry.target {
        try attempt("join \(entry.name) namespace") {
          try checked("setns", stk_setns(target.borrowed.rawValue, entry.flag))
        }
      } else {
        try attempt("make time namespace") {
          try checked("unshare", stk_unshare(CLONE_NEWTIME))
          if !namespaces.timeOffsets.isEmpty {
            try Files.write(namespaces.timeOffsets.joined(separator: "\n") + "\n", to: "/proc/self/timens_offsets")
          }
        }
      }
      saved.append((entry.own, entry.flag, entry.name))
    }
    self.saved = saved
  }

  /// Goes back to where the caller was.
  func leave() throws(LaunchError) {
    for entry in saved.reversed() {
      try attempt("leave \(entry.name) namespace") {
        try checked("setns", stk_setns(entry.descriptor.borrowed.rawValue, entry.flag))
      }
    }
  }
}
