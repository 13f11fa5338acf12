// swift-format-ignore-file: AlwaysUseLowerCamelCase
// Constants of the kernel's interface that glibc shows only with _GNU_SOURCE, which its Swift module does not define. The
// values are the same on x86-64 and arm64.

/// open(2): a descriptor that only names a file.
package let O_PATH: CInt = 0o10_000_000

// clone(2)
package let CLONE_NEWTIME: CInt = 0x0000_0080
package let CLONE_PARENT: CInt = 0x0000_8000
package let CLONE_NEWNS: CInt = 0x0002_0000
package let CLONE_NEWCGROUP: CInt = 0x0200_0000
package let CLONE_NEWUTS: CInt = 0x0400_0000
package let CLONE_NEWIPC: CInt = 0x0800_0000
package let CLONE_NEWUSER: CInt = 0x1000_0000
package let CLONE_NEWPID: CInt = 0x2000_0000
package let CLONE_NEWNET: CInt = 0x4000_0000

/// close_range(2).
package let CLOSE_RANGE_CLOEXEC: UInt32 = 1 << 2
/// fcntl(2).
package let F_SETPIPE_SZ: CInt = 1031

// ioctl_tty(2)
package let TIOCSPTLCK: UInt = 0x4004_5431
package let TIOCGPTPEER: UInt = 0x5441
