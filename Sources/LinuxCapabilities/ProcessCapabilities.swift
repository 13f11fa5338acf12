import CCapability
import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// The capabilities of the calling thread.
///
/// The order in the first process of a container, between clone and execve(2), is a contract; the kernel refuses others or,
/// worse, accepts them with another meaning:
///
///  1. `dropBounding(keeping:)`, while `CAP_SETPCAP` is still effective;
///  2. `setKeepCapabilities(true)`: otherwise the change of user from 0 clears the permitted set;
///  3. setgroups(2), setresgid(2), setresuid(2), which clear the effective set;
///  4. `apply(_:)`: effective, permitted and inheritable in one call;
///  5. `setAmbient(_:)`, which needs each member in permitted and inheritable;
///  6. `setNoNewPrivileges()` if wished, then the seccomp filter, as the last thing before execve(2).
///
/// Without no_new_privs the kernel takes a filter only from a thread with `CAP_SYS_ADMIN` effective. Step 4 is then done twice:
/// first with `CAP_SYS_ADMIN` added to effective and permitted, then the filter is loaded, then 4 and 5 as above. The filter
/// must allow capset(2), and prctl(2) if there are ambient capabilities.
///
/// The calls act on one thread: they are for single-threaded processes. They allocate, and never wait.
package enum ProcessCapabilities {
  /// Takes everything but `kept` out of the bounding set; there is no way back. Needs `CAP_SETPCAP` if something is to go.
  package static func dropBounding(keeping kept: CapabilitySet) throws(SystemCallError) {
    for number in 0..<64 where !kept.contains(CapabilitySet(number: number)) {
      if cap_drop_bound(cap_value_t(number)) == 0 { continue }
      let error = SystemCallError("prctl PR_CAPBSET_DROP", on: CapabilityName.name(of: number), .latest)
      // EINVAL: the kernel knows neither this capability nor any after it.
      if error.errno == .invalidArgument { return }
      // Without CAP_SETPCAP also dropping what is not there, or what the kernel does not know, is refused.
      if cap_get_bound(cap_value_t(number)) != 1 { continue }
      throw error
    }
  }

  /// Whether the permitted set outlives the next change of all user ids from 0 (PR_SET_KEEPCAPS). Cleared by execve(2).
  package static func setKeepCapabilities(_ keep: Bool) throws(SystemCallError) {
    try checked("prctl PR_SET_KEEPCAPS", stk_prctl(STK_PR_SET_KEEPCAPS, keep ? 1 : 0, 0, 0, 0))
  }

  /// Sets effective, permitted and inheritable (capset(2)). Bounding and ambient have their own calls.
  package static func apply(_ state: CapabilityState) throws(SystemCallError) {
    guard let sets = unsafe cap_init() else { throw SystemCallError("cap_init", .latest) }
    defer { unsafe cap_free(UnsafeMutableRawPointer(sets)) }
    let flags = [
      (CAP_EFFECTIVE, state.effective), (CAP_PERMITTED, state.permitted), (CAP_INHERITABLE, state.inheritable),
    ]
    for (flag, set) in flags where !set.isEmpty {
      let values = set.numbers.map { cap_value_t($0) }
      try checkedErrno(
        "cap_set_flag", on: set.description, unsafe cap_set_flag(sets, flag, CInt(values.count), values, CAP_SET))
    }
    try checkedErrno("capset", on: state.permitted.description, unsafe cap_set_proc(sets))
  }

  /// Makes the ambient set what `set` says. Each member must be permitted and inheritable.
  package static func setAmbient(_ set: CapabilitySet) throws(SystemCallError) {
    try checkedErrno("prctl PR_CAP_AMBIENT_CLEAR_ALL", cap_reset_ambient())
    for number in set.numbers {
      try checkedErrno(
        "prctl PR_CAP_AMBIENT_RAISE", on: CapabilityName.name(of: number),
        cap_set_ambient(cap_value_t(number), CAP_SET))
    }
  }

  /// No execve(2) from now on gives more than the caller has (PR_SET_NO_NEW_PRIVS); there is no way back.
  package static func setNoNewPrivileges() throws(SystemCallError) {
    try checked("prctl PR_SET_NO_NEW_PRIVS", stk_prctl(STK_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
  }

  /// What the calling thread may add to its sets at most.
  package static func bounding() -> CapabilitySet {
    collect(cap_get_bound)
  }

  /// All five sets of the calling thread.
  package static func current() throws(SystemCallError) -> CapabilityState {
    guard let sets = unsafe cap_get_proc() else { throw SystemCallError("capget", .latest) }
    defer { unsafe cap_free(UnsafeMutableRawPointer(sets)) }
    func members(_ flag: cap_flag_t) -> CapabilitySet {
      collect { number in
        var value = CAP_CLEAR
        return unsafe cap_get_flag(sets, number, flag, &value) == 0 && value == CAP_SET ? 1 : 0
      }
    }
    return CapabilityState(
      bounding: bounding(), effective: members(CAP_EFFECTIVE), permitted: members(CAP_PERMITTED),
      inheritable: members(CAP_INHERITABLE), ambient: collect(cap_get_ambient))
  }

  /// The capabilities for which `isMember` is 1. Numbers that the kernel does not know give an error, and are no members.
  private static func collect(_ isMember: (cap_value_t) -> CInt) -> CapabilitySet {
    var set: CapabilitySet = []
    for number in 0..<64 {
      let answer = isMember(cap_value_t(number))
      if answer < 0 { break }
      if answer == 1 { set.insert(CapabilitySet(number: number)) }
    }
    return set
  }
}
