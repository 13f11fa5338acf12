import LinuxCgroup
import LinuxSystem
import LinuxSystemd

/// The scope of systemd in which a stack's cgroups are, on machines where systemd keeps them.
package enum StackScope {
  /// Puts the calling process, and with it those that it makes, into the scope of a project, which is made if it is not there.
  /// Does nothing without systemd, and nothing twice.
  ///
  /// The scope also keeps them when the session ends in which they were started.
  package static func enter(project: String) throws(LaunchError) {
    try attempt("ask systemd for a scope") {
      let hierarchy = try CgroupHierarchy.current()
      guard hierarchy.isOfSystemd, let unified = hierarchy.unified else { return }
      let group = try Cgroup(hierarchy, project: project).path
      if try Files.text("/proc/self/cgroup").contains("::/\(group)/") { return }
      let scope = TransientScope(
        unit: Cgroup.scope(of: project), slice: Cgroup.slice, description: "Stack \(project)", inner: Cgroup.inner)
      guard try scope.enter(ProcessIdentity.current().pid) == .made else { return }
      let inner = "\(unified)/\(group)/\(Cgroup.inner)"
      try Files.makeDirectories(inner, mode: 0o755)
      try Files.write("0", to: "\(inner)/cgroup.procs")
    }
  }
}
