import CSeccomp
import Glibc

/// Numbers of system calls.
enum SeccompCalls {
  /// What libseccomp says about a name that it does not know.
  static let unknown: CInt = -1

  /// Calls that are newer than libseccomp 2.5.4. From 424 on a call has the same number on every architecture (Linux 5.1); the
  /// two before are x86-64's alone.
  private static let newer: [String: UInt32] = [
    "uretprobe": 335, "uprobe": 336, "set_mempolicy_home_node": 450, "cachestat": 451, "fchmodat2": 452,
    "map_shadow_stack": 453, "futex_wake": 454, "futex_wait": 455, "futex_requeue": 456, "statmount": 457,
    "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460, "lsm_list_modules": 461, "mseal": 462,
    "setxattrat": 463, "getxattrat": 464, "listxattrat": 465, "removexattrat": 466, "open_tree_attr": 467,
    "file_getattr": 468, "file_setattr": 469,
  ]
  private static let firstCommon: UInt32 = 424

  /// libseccomp's tokens are the kernel's numbers (linux/audit.h).
  static let x86x64 = UInt32(EM_X86_64) | UInt32(__AUDIT_ARCH_64BIT) | UInt32(__AUDIT_ARCH_LE)
  /// libseccomp's token of x32, whose calls the kernel takes as x86-64's with a bit set in the number.
  static let x32 = UInt32(EM_X86_64) | UInt32(__AUDIT_ARCH_LE)
  static let x32Bit: UInt32 = 0x4000_0000

  /// The number that libseccomp knows; nil when it does not know the name, or the architecture does not have the call.
  static func known(_ name: String, _ token: UInt32) -> UInt32? {
    let number = unsafe seccomp_syscall_resolve_name_arch(token, name)
    return number >= 0 ? UInt32(number) : nil
  }

  /// The name of a call; nil when neither libseccomp nor this module knows it.
  static func name(_ number: CInt, _ token: UInt32) -> String? {
    guard let name = unsafe seccomp_syscall_resolve_num_arch(token, number) else {
      return newer.first { $0.value == UInt32(bitPattern: number) }?.key
    }
    defer { unsafe free(name) }
    return unsafe String(cString: name)
  }

  /// The number of a call that libseccomp does not know.
  static func newer(_ name: String, _ token: UInt32) -> UInt32? {
    guard let number = newer[name], unsafe seccomp_syscall_resolve_name(name) == unknown else { return nil }
    if token == x32 { return number | x32Bit }
    return number >= firstCommon || token == x86x64 ? number : nil
  }
}
