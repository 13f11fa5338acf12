// System calls and macros that Swift cannot reach: calls without a glibc wrapper, variadic functions, function-like macros.
//
// Contract of every function here, unless its own comment says otherwise:
//  * it makes exactly one system call, does no allocation and no I/O of its own, and is async-signal-safe;
//  * it returns the call's result, or the error number negated (-EPERM); `errno` is not part of the interface;
//  * descriptors that it returns are close-on-exec.
#ifndef C_LINUX_SHIM_H
#define C_LINUX_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

// -- Files

/// openat(2) with O_CLOEXEC added.
int stk_openat(int directory, const char *path, int flags, mode_t mode);
/// openat2(2) with O_CLOEXEC added. `resolve` holds RESOLVE_* flags.
int stk_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
/// readlinkat(2): the number of bytes written, not terminated.
ssize_t stk_readlinkat(int directory, const char *path, void *buffer, size_t size);
/// sched_setaffinity(2) of the calling thread; `mask` has a bit for each processor, the first in the lowest bit of the first
/// byte.
int stk_set_affinity(const uint8_t *mask, size_t bytes);
/// close_range(2).
int stk_close_range(unsigned first, unsigned last, unsigned flags);
/// fcntl(2) with an integer argument.
int stk_fcntl(int descriptor, int command, long argument);
/// ioctl(2) with an integer argument.
int stk_ioctl_int(int descriptor, unsigned long request, long argument);
/// ioctl(2) with a pointer argument.
int stk_ioctl_pointer(int descriptor, unsigned long request, void *_Nullable argument);
/// pipe2(2), close-on-exec.
int stk_pipe(int descriptors[_Nonnull 2]);
/// Blocks `signals` for the calling thread (sigprocmask(2)) and opens a non-blocking signalfd(2) for them.
int stk_signalfd(const int *signals, size_t count);
/// The number of the next signal of a signalfd, or -EAGAIN.
int stk_signalfd_next(int descriptor);
/// Unblocks every signal.
int stk_unblock_signals(void);
/// copy_file_range(2) at the current offsets.
ssize_t stk_copy_file_range(int from, int to, size_t count);
/// flistxattr(2), fgetxattr(2) and fsetxattr(2).
ssize_t stk_flistxattr(int descriptor, void *list, size_t size);
ssize_t stk_fgetxattr(int descriptor, const char *name, void *value, size_t size);
/// lgetxattr(2).
ssize_t stk_lgetxattr(const char *path, const char *name, void *value, size_t size);
int stk_fsetxattr(int descriptor, const char *name, const void *value, size_t size);
/// The f_type of fstatfs(2).
long stk_fstatfs_type(int descriptor);
/// Raises the hard limit of a process (0: the caller) to `hard` if it is lower, by prlimit(2).
int stk_raise_rlimit(int pid, int resource, uint64_t hard);
/// setrlimit(2) on the calling process.
int stk_setrlimit(int resource, uint64_t soft, uint64_t hard);
/// SIOCGIFINDEX (netdevice(7)) on any socket of the network namespace: the index of an interface.
int stk_interface_index(int socket, const char *name);
/// memfd_create(2) with MFD_CLOEXEC | MFD_ALLOW_SEALING.
int stk_memfd(const char *name);

extern const uint64_t STK_RESOLVE_IN_ROOT;
extern const uint64_t STK_RESOLVE_BENEATH;
extern const uint64_t STK_RESOLVE_NO_MAGICLINKS;
extern const uint64_t STK_RESOLVE_NO_SYMLINKS;
extern const uint64_t STK_RESOLVE_NO_XDEV;

// -- Processes

struct stk_clone {
  /// CLONE_* flags, without CLONE_VM, CLONE_VFORK and CLONE_THREAD.
  uint64_t flags;
  /// Directory of a cgroup v2 for CLONE_INTO_CGROUP, or -1.
  int cgroup;
  /// Out: pidfd of the child (always asked for).
  int pidfd;
};

/// clone3(2) without shared memory, like fork(2) with flags. Returns 0 in the child and the pid in the parent.
/// Every signal has its default disposition in the child (CLONE_CLEAR_SIGHAND).
///
/// The caller must be single-threaded: the child goes on with a copy of its memory, and glibc's fork handlers do not run.
pid_t stk_clone3(struct stk_clone *arguments);
/// fork(2) as the system call clone(2): for processes under a filter that hides clone3(2). The caller must be single-threaded.
pid_t stk_fork(void);
/// posix_spawn(3) with all signals unblocked: descriptor `targets[i]` of the new process is what
/// `sources[i]` is here, and every descriptor from `lowest_closed` on is closed. Sources must not be among the targets.
/// `new_session` calls setsid(2) in it. Allocates. Returns the pid.
pid_t stk_spawn(const char *path, char *const _Nullable *_Nonnull arguments, char *const _Nullable *_Nonnull environment,
                const int *sources, const int *targets, size_t count, int lowest_closed, int new_session);
/// pidfd_open(2).
int stk_pidfd_open(pid_t pid, unsigned flags);
/// pidfd_send_signal(2) without siginfo.
int stk_pidfd_send_signal(int pidfd, int signal);
/// waitid(2) on a pidfd for WEXITED. Returns the pid, or 0 when `no_hang` is set and nothing ended. `code` is CLD_*, `status`
/// the exit status or the signal.
pid_t stk_wait_pidfd(int pidfd, int no_hang, int *code, int *status);
/// setns(2).
int stk_setns(int descriptor, int flags);
/// unshare(2).
int stk_unshare(int flags);
/// prctl(2).
int stk_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
extern const int STK_PR_SET_KEEPCAPS, STK_PR_SET_NO_NEW_PRIVS, STK_PR_SET_PDEATHSIG, STK_PR_SET_DUMPABLE;
/// prctl(2) PR_SET_NAME: the first 15 bytes.
int stk_set_name(const char *name);
/// getpid(2) from the kernel.
pid_t stk_getpid(void);
/// execve(2); returns only on failure.
int stk_execve(const char *path, char *const _Nullable *_Nonnull arguments, char *const _Nullable *_Nonnull environment);
/// seccomp(2) SECCOMP_SET_MODE_FILTER. `filter` holds `count` instructions of 8 bytes (struct sock_filter).
int stk_seccomp_set_filter(unsigned flags, const void *filter, unsigned short count);
/// The next call that waits for the listener's word (SECCOMP_IOCTL_NOTIF_RECV); blocks.
int stk_seccomp_receive(int listener, uint64_t *id, uint32_t *architecture, uint32_t *number);
/// Lets a call go on as it is (SECCOMP_USER_NOTIF_FLAG_CONTINUE).
int stk_seccomp_continue(int listener, uint64_t id);
/// Sends a listener over a socket with a message of `count` bytes, by a call that a filter which asks lets through although
/// nobody listens yet.
int stk_send_listener(int socket, int listener, const void *_Nonnull bytes, size_t count);
/// The sixth argument of that call.
extern const uint64_t STK_LISTENER_MARK;
/// setresuid, setresgid and setgroups as raw system calls: for the calling thread only.
int stk_setresuid(uid_t real, uid_t effective, uid_t saved);
/// setfsuid(2) and setfsgid(2), which do not say whether they worked: -EPERM when they did not.
int stk_setfsids(uid_t user, gid_t group);
int stk_setresgid(gid_t real, gid_t effective, gid_t saved);
int stk_setgroups(size_t count, const gid_t *_Nullable groups);

// -- Mounts: the descriptor-based interface of Linux 5.2 and later

int stk_fsopen(const char *type);
int stk_fsconfig(int context, unsigned command, const char *_Nullable key, const void *_Nullable value, int auxiliary);
int stk_fsmount(int context, unsigned attributes);
int stk_open_tree(int directory, const char *path, unsigned flags);
int stk_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags);
/// mount_setattr(2). `userns` is a descriptor of a user namespace when MOUNT_ATTR_IDMAP is set, else -1.
int stk_mount_setattr(int directory, const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation,
                      int userns);
int stk_pivot_root(const char *new_root, const char *put_old);
int stk_mount(const char *_Nullable source, const char *target, const char *_Nullable type, unsigned long flags,
              const char *_Nullable data);
int stk_umount2(const char *target, int flags);

extern const unsigned STK_FSCONFIG_SET_FLAG, STK_FSCONFIG_SET_STRING, STK_FSCONFIG_SET_FD, STK_FSCONFIG_CMD_CREATE;
extern const unsigned STK_OPEN_TREE_CLONE, STK_AT_EMPTY_PATH, STK_AT_RECURSIVE, STK_AT_SYMLINK_NOFOLLOW;
extern const unsigned STK_MOVE_MOUNT_F_EMPTY_PATH, STK_MOVE_MOUNT_T_EMPTY_PATH;
extern const uint64_t STK_MOUNT_ATTR_RDONLY, STK_MOUNT_ATTR_NOSUID, STK_MOUNT_ATTR_NODEV, STK_MOUNT_ATTR_NOEXEC,
    STK_MOUNT_ATTR_IDMAP, STK_MOUNT_ATTR_NOSYMFOLLOW, STK_MOUNT_ATTR_ATIME_MASK, STK_MOUNT_ATTR_NOATIME,
    STK_MOUNT_ATTR_STRICTATIME;

// -- Descriptors over sockets

/// sendmsg(2) of `count` bytes with one descriptor (SCM_RIGHTS) when `descriptor` >= 0; MSG_NOSIGNAL.
ssize_t stk_send(int socket, const void *bytes, size_t count, int descriptor);
/// recvmsg(2); `*descriptor` becomes the received descriptor, close-on-exec, or -1.
ssize_t stk_receive(int socket, void *bytes, size_t count, int *descriptor);

/// A socket bound to an IPv4 address and port in host byte order; a stream socket when `stream` is set, else for datagrams.
/// It does not listen: it only keeps others from binding. Makes two system calls.
int stk_bind_ipv4(uint32_t address, uint16_t port, int stream);
/// The port in host byte order that an IPv4 socket is bound to.
int stk_bound_port(int socket);

// -- Sockets; addresses and ports are in host byte order

/// A non-blocking socket that serves an IPv4 address, which need not exist yet (IP_FREEBIND): it listens when `stream` is set,
/// else takes datagrams. Makes several system calls.
int stk_serve_ipv4(uint32_t address, uint16_t port, int stream);
/// recvfrom(2) of a datagram over IPv4 without waiting.
ssize_t stk_receive_from(int socket, void *bytes, size_t count, uint32_t *address, uint16_t *port);
/// sendto(2) of a datagram over IPv4 without waiting.
ssize_t stk_send_to(int socket, const void *bytes, size_t count, uint32_t address, uint16_t port);
/// accept4(2) of an IPv4 connection, and whose it is.
int stk_accept_ipv4(int socket, uint32_t *address);
/// SO_RCVTIMEO and SO_SNDTIMEO. Makes two system calls.
int stk_set_timeouts(int socket, int milliseconds);
/// A listening, non-blocking socket (unix(7), SOCK_SEQPACKET) under a name in an open directory.
int stk_listen_local(int directory, const char *name);
/// A non-blocking socket for datagrams (unix(7), SOCK_DGRAM) under a name in an open directory.
int stk_bind_local(int directory, const char *name);
/// Sends a datagram to a path, or to an abstract name, which begins with @.
ssize_t stk_send_local(const char *name, const void *bytes, size_t count);
/// accept4(2).
int stk_accept(int socket);
/// A socket connected to one that listens under a name in an open directory: of SOCK_STREAM, or else SOCK_SEQPACKET.
int stk_connect_local(int directory, const char *name, int stream);
/// A socket connected to an IPv4 or IPv6 address in text form. With `milliseconds` > 0 that is how long connecting, and each
/// later call, may take. Makes several system calls.
int stk_connect(const char *address, uint16_t port, int stream, int milliseconds);

// -- Programs for cgroups (bpf(2))

/// BPF_PROG_LOAD of a BPF_PROG_TYPE_CGROUP_DEVICE program. `instructions` holds `count` struct bpf_insn. A new descriptor.
int stk_bpf_load_device_program(const uint64_t *instructions, size_t count);
/// BPF_PROG_ATTACH of such a program to a cgroup v2, beside those that are attached already (BPF_F_ALLOW_MULTI).
int stk_bpf_attach_device_program(int cgroup, int program);

// -- Wait status and device numbers (macros)

dev_t stk_makedev(unsigned major, unsigned minor);
unsigned stk_major(dev_t device);
unsigned stk_minor(dev_t device);

int stk_personality(unsigned long persona);
int stk_umask(unsigned mask);
/// ioprio_set(2) for the calling thread.
int stk_set_io_priority(int class_, int level);
/// sched_setattr(2) for the calling thread.
int stk_set_scheduler(unsigned policy, uint64_t flags, int nice, unsigned priority, uint64_t runtime, uint64_t deadline,
                      uint64_t period);
/// set_mempolicy(2) for the calling thread: `nodes` is a mask of `count` words, of which none leaves it out.
int stk_set_memory_policy(int mode, const unsigned long *_Nullable nodes, size_t count);
/// Clears (0) or sets (1) close-on-exec.
int stk_set_close_on_exec(int descriptor, int on);
int stk_chroot(const char *path);
int stk_window_size(int terminal, unsigned short rows, unsigned short columns);
extern const uint64_t STK_MOUNT_ATTR_NODIRATIME;
extern const uint64_t STK_MS_PRIVATE, STK_MS_SHARED, STK_MS_SLAVE, STK_MS_UNBINDABLE;

#pragma clang assume_nonnull end

#endif
