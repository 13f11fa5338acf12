import CCapability
import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// The capabilities of the calling thread, through libcap.
///
/// On the way to another program the order is binding (capabilities(7)): the bounding set shrinks while CAP_SETPCAP is there;
/// keep-capabilities is set before the user changes; the sets are set after it, the ambient one last.
package enum Capabilities {
  /// What the running kernel knows: newer capabilities than that cannot be set.
  package static let known: CapabilitySet = {
    let last = Int(cap_max_bits())
    return CapabilitySet.all.intersection(CapabilitySet(rawValue: last >= 64 ? .max : (1 << UInt64(last)) - 1))
  }()

  /// Removes from the bounding set everything but `kept`, for good. Needs CAP_SETPCAP.
  package static func dropBounding(keeping kept: CapabilitySet) throws(SystemCallError) {
    for number in 0..<Int(cap_max_bits()) where !kept.contains(CapabilitySet(number: number)) {
      try checkedErrno("prctl", on: "PR_CAPBSET_DROP", cap_drop_bound(cap_value_t(number)))
    }
  }

  /// Keeps the permitted set when the user changes from root to another (PR_SET_KEEPCAPS); execve(2) clears it.
  package static func setKeepCapabilities(_ keep: Bool) throws(SystemCallError) {
    try checked("prctl", on: "PR_SET_KEEPCAPS", stk_prctl(STK_PR_SET_KEEPCAPS, keep ? 1 : 0, 0, 0, 0))
  }

  /// Sets the effective, permitted, inheritable and ambient sets. The bounding set is not touched.
  package static func apply(_ state: CapabilityState) throws(SystemCallError) {
    guard let sets = unsafe cap_init() else { throw SystemCallError("cap_init", .latest) }
    defer { unsafe cap_free(UnsafeMutableRawPointer(sets)) }
    try unsafe fill(sets, CAP_EFFECTIVE, state.effective)
    try unsafe fill(sets, CAP_PERMITTED, state.permitted)
    try unsafe fill(sets, CAP_INHERITABLE, state.inheritable)
    try checkedErrno("capset", unsafe cap_set_proc(sets))
    try checkedErrno("prctl", on: "PR_CAP_AMBIENT_CLEAR_ALL", cap_reset_ambient())
    for number in CapabilitySet.names.indices where state.ambient.contains(CapabilitySet(number: number)) {
      try checkedErrno("prctl", on: "PR_CAP_AMBIENT_RAISE", cap_set_ambient(cap_value_t(number), CAP_SET))
    }
  }

  @unsafe private static func fill(
    _ sets: OpaquePointer, _ flag: cap_flag_t, _ wanted: CapabilitySet
  ) throws(SystemCallError) {
    let set = wanted.intersection(known)
    let numbers = CapabilitySet.names.indices.filter { set.contains(CapabilitySet(number: $0)) }
      .map { cap_value_t($0) }
    if numbers.isEmpty { return }
    try checkedErrno(
      "cap_set_flag", unsafe cap_set_flag(sets, flag, CInt(numbers.count), numbers, CAP_SET))
  }

  /// The sets as the kernel has them now.
  package static func current() throws(SystemCallError) -> CapabilityState {
    let text = try Files.text("/proc/thread-self/status")
    func set(_ name: String) -> CapabilitySet {
      let line = text.split(separator: "\n").first { $0.hasPrefix("\(name):") }
      let digits = line?.split(separator: "\t").last ?? ""
      return CapabilitySet(rawValue: UInt64(digits, radix: 16) ?? 0)
    }
    return CapabilityState(
      bounding: set("CapBnd"), effective: set("CapEff"), permitted: set("CapPrm"), inheritable: set("CapInh"),
      ambient: set("CapAmb"))
  }

  /// No execve(2) grants what the process does not have, for good (PR_SET_NO_NEW_PRIVS).
  package static func setNoNewPrivileges() throws(SystemCallError) {
    try checked("prctl", on: "PR_SET_NO_NEW_PRIVS", stk_prctl(STK_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
  }
}
