import Glibc
import LinuxCapabilities

extension SeccompProfile {
  /// The profile of every container that does not choose another: equal in effect to Docker's of 2026, but for two requests
  /// of ioctl(2).
  ///
  /// What is not listed fails with EPERM: among others io_uring, keyctl(2), userfaultfd(2), bpf(2), and all that mounts or
  /// enters a namespace. With a capability come the calls that are of use only with it.
  ///
  /// The calls of 32-bit programs go through socketcall(2), whose arguments a filter cannot see: a rule about socket(2) does
  /// not hold for them. Docker leaves that open too, and closing it would take the network from 32-bit programs.
  package static let `default` = SeccompProfile(
    defaultAction: .errno(UInt16(EPERM)),
    architectures: .mapped([
      SeccompArchitecture(known: "x86_64"): [SeccompArchitecture(known: "x86"), SeccompArchitecture(known: "x32")],
      SeccompArchitecture(known: "aarch64"): [SeccompArchitecture(known: "arm")],
    ]),
    rules: generalRules + socketRules + personalityRules + processRules + capabilityRules + architectureRules,
    // Typing into the terminal that the caller has in common with somebody else (TIOCSTI, and TIOCLINUX on a console).
    // Docker's profile allows it.
    refusals: [SeccompRefusal("ioctl", argument: 1, values: [0x5412, 0x541c])])

  private static func words(_ text: String) -> [String] {
    // By bytes: half a millisecond faster than by characters, and every `up` waits for it.
    text.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.map { String(Substring($0)) }
  }

  private static let generalRules = [SeccompRule(.allow, words(generalCalls))]

  /// All families but AF_ALG (38), an attack surface of the kernel's cryptography, and AF_VSOCK (40), which reaches the
  /// hypervisor past every network rule.
  private static let socketRules = [
    SeccompRule(.allow, ["socket"], [SeccompCondition(argument: 0, .less, 38)]),
    SeccompRule(.allow, ["socket"], [SeccompCondition(argument: 0, .equal, 39)]),
    SeccompRule(.allow, ["socket"], [SeccompCondition(argument: 0, .greater, 40)]),
  ]

  /// PER_LINUX and PER_LINUX32, each also with UNAME26, and the question which one it is. Not ADDR_NO_RANDOMIZE or
  /// READ_IMPLIES_EXEC, which weaken the program.
  private static let personalityRules = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff].map { value in
    SeccompRule(.allow, ["personality"], [SeccompCondition(argument: 0, .equal, value)])
  }

  /// Without CAP_SYS_ADMIN no process is made in a new namespace. clone3(2) has its flags in memory, where a filter cannot
  /// look: ENOSYS makes the C library fall back to clone(2).
  private static let processRules = [
    SeccompRule(
      .allow, ["clone"], [SeccompCondition(argument: 0, .masked, namespaceFlags, 0)],
      excludes: SeccompScope(capabilities: .sysAdmin)),
    SeccompRule(.errno(UInt16(ENOSYS)), ["clone3"], excludes: SeccompScope(capabilities: .sysAdmin)),
  ]

  /// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
  private static let namespaceFlags: UInt64 = 0x7e02_0000

  private static let capabilityRules: [SeccompRule] = {
    let calls: [(CapabilitySet, String)] = [
      (.dacReadSearch, "open_by_handle_at"),
      (
        .sysAdmin,
        """
        bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
        lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname
        sethostname setns syslog umount umount2 unshare
        """
      ),
      (.sysBoot, "reboot"),
      (.sysChroot, "chroot"),
      (.sysModule, "delete_module finit_module init_module"),
      (.sysPacct, "acct"),
      (.sysPtrace, "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"),
      (.sysRawio, "ioperm iopl"),
      (.sysTime, "clock_settime clock_settime64 settimeofday stime"),
      (.sysTtyConfig, "vhangup"),
      (.sysNice, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
      (.syslog, "syslog"),
      (.bpf, "bpf"),
      (.perfmon, "perf_event_open"),
    ]
    return calls.map { capability, names in
      SeccompRule(.allow, words(names), includes: SeccompScope(capabilities: capability))
    }
  }()

  private static let architectureRules = [
    SeccompRule(
      .allow, words("arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2"),
      includes: SeccompScope(architectures: ["arm", "arm64"])),
    SeccompRule(.allow, ["arch_prctl", "modify_ldt"], includes: SeccompScope(architectures: ["amd64", "x32", "x86"])),
  ]

  /// Calls with every argument, in every container.
  private static let generalCalls = """
    _llseek _newselect accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown
    chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
    clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3
    epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
    eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark
    fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock
    fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex
    futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu
    getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer
    getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32
    getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat
    inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents
    io_pgetevents_time64 io_setup io_submit ioctl ioprio_get ioprio_set ipc kill landlock_add_rule
    landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount listxattr
    listxattrat llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier
    memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect
    mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
    mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep
    newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect
    poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv
    process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat
    readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat
    renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
    rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max
    sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
    sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
    seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto
    set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32
    setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid
    setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat shmat shmctl
    shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn socketcall socketpair splice stat
    stat64 statfs statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time
    timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
    timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate
    truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork
    vmsplice wait4 waitid waitpid write writev
    """
}
