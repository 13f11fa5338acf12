import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

extension ListedProcess {
  /// Sets for the calling thread what takes privileges; who it is comes later.
  func apply() throws(LaunchError) {
    if let umask { _ = stk_umask(umask) }
    if let scheduler {
      let result = stk_set_scheduler(
        scheduler.policy, scheduler.flags, scheduler.nice, scheduler.priority, scheduler.runtime, scheduler.deadline,
        scheduler.period)
      if result == -EPERM && scheduler.policy == 6 {
        // sched(7): SCHED_DEADLINE is for those who may run on all processors.
        throw LaunchError(
          "set scheduler",
          "process scheduler can't be used together with AllowedCPUs: SCHED_DEADLINE needs all processors, or privileges"
        )
      }
      try attempt("set scheduler") { try checked("sched_setattr", result) }
    }
    if let ioPriority {
      try attempt("set I/O priority") {
        try checked("ioprio_set", stk_set_io_priority(ioPriority.kind, ioPriority.level))
      }
    }
    if let memoryPolicy {
      try attempt("set memory policy") {
        try checked(
          "set_mempolicy",
          unsafe stk_set_memory_policy(memoryPolicy.mode, memoryPolicy.nodes, memoryPolicy.nodes.count))
      }
    }
    if let personality {
      try attempt("set personality") { try checked("personality", stk_personality(personality)) }
    }
    if let appArmorProfile {
      try attempt("set AppArmor profile \(appArmorProfile)") {
        try write("exec \(appArmorProfile)", to: "apparmor/exec", or: "exec")
      }
    }
    if let selinuxLabel {
      try attempt("set SELinux label \(selinuxLabel)") { try write(selinuxLabel, to: "exec", or: nil) }
    }
  }

  /// Writes to a procfs of the engine's own: one that is mounted in the container could be somebody else's.
  private func write(_ text: String, to name: String, or other: String?) throws(SystemCallError) {
    // thread-self of a procfs belongs to the PID namespace that it was made in, which is the caller's.
    let proc = try DetachedProc()
    do throws(SystemCallError) {
      try proc.write(text, to: "thread-self/attr/\(name)")
    } catch  where error.errno == .noSuchFileOrDirectory && other != nil {
      try proc.write(text, to: "thread-self/attr/\(other ?? name)")
    }
  }
}
