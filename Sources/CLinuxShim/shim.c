#define _GNU_SOURCE
#include "CLinuxShim.h"

#include <errno.h>
#include <fcntl.h>
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

// AT_* come from fcntl.h; linux/mount.h of Debian 12 knows everything that is used here.
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static long result(long value) { return value < 0 ? -errno : value; }

int stk_openat(int directory, const char *path, int flags, mode_t mode) {
  return (int)result(openat(directory, path, flags | O_CLOEXEC, mode));
}

int stk_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
  return (int)result(syscall(SYS_openat2, directory, path, &how, sizeof how));
}

ssize_t stk_readlinkat(int directory, const char *path, void *buffer, size_t size) {
  return result(readlinkat(directory, path, buffer, size));
}

int stk_close_range(unsigned first, unsigned last, unsigned flags) {
  return (int)result(syscall(SYS_close_range, first, last, flags));
}

int stk_fcntl(int descriptor, int command, long argument) { return (int)result(fcntl(descriptor, command, argument)); }

int stk_ioctl_int(int descriptor, unsigned long request, long argument) {
  return (int)result(ioctl(descriptor, request, argument));
}

int stk_ioctl_pointer(int descriptor, unsigned long request, void *argument) {
  return (int)result(ioctl(descriptor, request, argument));
}

int stk_pipe(int descriptors[2]) { return (int)result(pipe2(descriptors, O_CLOEXEC)); }

int stk_signalfd(const int *signals, size_t count) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
  return (int)result(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int stk_signalfd_next(int descriptor) {
  struct signalfd_siginfo info;
  ssize_t count = read(descriptor, &info, sizeof info);
  return count == (ssize_t)sizeof info ? (int)info.ssi_signo : -EAGAIN;
}

int stk_unblock_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  return (int)result(sigprocmask(SIG_SETMASK, &none, NULL));
}

ssize_t stk_copy_file_range(int from, int to, size_t count) {
  return result(copy_file_range(from, NULL, to, NULL, count, 0));
}

ssize_t stk_flistxattr(int descriptor, void *list, size_t size) { return result(flistxattr(descriptor, list, size)); }

ssize_t stk_fgetxattr(int descriptor, const char *name, void *value, size_t size) {
  return result(fgetxattr(descriptor, name, value, size));
}

ssize_t stk_lgetxattr(const char *path, const char *name, void *value, size_t size) {
  return result(lgetxattr(path, name, value, size));
}

int stk_fsetxattr(int descriptor, const char *name, const void *value, size_t size) {
  return (int)result(fsetxattr(descriptor, name, value, size, 0));
}

long stk_fstatfs_type(int descriptor) {
  struct statfs status;
  return fstatfs(descriptor, &status) < 0 ? -errno : (long)status.f_type;
}

int stk_raise_rlimit(int pid, int resource, uint64_t hard) {
  struct rlimit limit;
  int failure = (int)result(prlimit(pid, (__rlimit_resource_t)resource, NULL, &limit));
  if (failure < 0 || limit.rlim_max >= hard) return failure;
  limit.rlim_max = hard;
  return (int)result(prlimit(pid, (__rlimit_resource_t)resource, &limit, NULL));
}

int stk_setrlimit(int resource, uint64_t soft, uint64_t hard) {
  struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
  return (int)result(prlimit(0, (__rlimit_resource_t)resource, &limit, NULL));
}

int stk_set_affinity(const uint8_t *mask, size_t bytes) {
  return (int)result(syscall(SYS_sched_setaffinity, 0, bytes, mask));
}

int stk_memfd(const char *name) { return (int)result(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)); }

const uint64_t STK_RESOLVE_IN_ROOT = RESOLVE_IN_ROOT;
const uint64_t STK_RESOLVE_BENEATH = RESOLVE_BENEATH;
const uint64_t STK_RESOLVE_NO_MAGICLINKS = RESOLVE_NO_MAGICLINKS;
const uint64_t STK_RESOLVE_NO_SYMLINKS = RESOLVE_NO_SYMLINKS;
const uint64_t STK_RESOLVE_NO_XDEV = RESOLVE_NO_XDEV;

int stk_interface_index(int socket, const char *name) {
  struct ifreq request = {0};
  strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  int status = (int)result(ioctl(socket, SIOCGIFINDEX, &request));
  return status < 0 ? status : request.ifr_ifindex;
}

pid_t stk_clone3(struct stk_clone *arguments) {
  int pidfd = -1;
  struct clone_args kernel = {.flags = arguments->flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
                              .pidfd = (uint64_t)(uintptr_t)&pidfd,
                              // man 2 clone: a sibling ends with the signal of its creator.
                              .exit_signal = arguments->flags & CLONE_PARENT ? 0 : SIGCHLD};
  if (arguments->cgroup >= 0) {
    kernel.flags |= CLONE_INTO_CGROUP;
    kernel.cgroup = (uint64_t)arguments->cgroup;
  }
  long pid = result(syscall(SYS_clone3, &kernel, sizeof kernel));
  if (pid > 0) arguments->pidfd = pidfd;
  return (pid_t)pid;
}

pid_t stk_fork(void) { return (pid_t)result(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }

pid_t stk_spawn(const char *path, char *const *arguments, char *const *environment, const int *sources, const int *targets,
                size_t count, int lowest_closed, int new_session) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int error = posix_spawn_file_actions_init(&actions);
  if (error != 0) return -error;
  posix_spawnattr_init(&attributes);  // never fails in glibc
  for (size_t i = 0; i < count && error == 0; i++)
    error = posix_spawn_file_actions_adddup2(&actions, sources[i], targets[i]);
  if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(&actions, lowest_closed);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  short flags = POSIX_SPAWN_SETSIGMASK;
  if (new_session) flags |= POSIX_SPAWN_SETSID;
  posix_spawnattr_setflags(&attributes, flags);
  pid_t pid = 0;
  if (error == 0) error = posix_spawn(&pid, path, &actions, &attributes, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error == 0 ? pid : -error;
}

int stk_pidfd_open(pid_t pid, unsigned flags) { return (int)result(syscall(SYS_pidfd_open, pid, flags)); }

int stk_pidfd_send_signal(int pidfd, int signal) {
  return (int)result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

pid_t stk_wait_pidfd(int pidfd, int no_hang, int *code, int *status) {
  siginfo_t info = {0};
  long outcome = result(waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | (no_hang ? WNOHANG : 0)));
  if (outcome < 0) return (pid_t)outcome;
  *code = info.si_code;
  *status = info.si_status;
  return info.si_pid;
}

int stk_setns(int descriptor, int flags) { return (int)result(syscall(SYS_setns, descriptor, flags)); }
int stk_unshare(int flags) { return (int)result(syscall(SYS_unshare, flags)); }

int stk_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  return (int)result(prctl(option, a, b, c, d));
}

int stk_set_name(const char *name) { return (int)result(prctl(PR_SET_NAME, name, 0, 0, 0)); }

const int STK_PR_SET_KEEPCAPS = PR_SET_KEEPCAPS, STK_PR_SET_NO_NEW_PRIVS = PR_SET_NO_NEW_PRIVS,
          STK_PR_SET_PDEATHSIG = PR_SET_PDEATHSIG, STK_PR_SET_DUMPABLE = PR_SET_DUMPABLE;

pid_t stk_getpid(void) { return (pid_t)syscall(SYS_getpid); }

int stk_execve(const char *path, char *const *arguments, char *const *environment) {
  return (int)result(execve(path, arguments, environment));
}

int stk_seccomp_set_filter(unsigned flags, const void *filter, unsigned short count) {
  struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)(uintptr_t)filter};
  return (int)result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

int stk_setfsids(uid_t user, gid_t group) {
  syscall(SYS_setfsgid, group);
  syscall(SYS_setfsuid, user);
  // Of what is no number both change nothing, and return what is.
  int is_set = (uid_t)syscall(SYS_setfsuid, -1) == user && (gid_t)syscall(SYS_setfsgid, -1) == group;
  return is_set ? 0 : -EPERM;
}

int stk_setresuid(uid_t real, uid_t effective, uid_t saved) {
  return (int)result(syscall(SYS_setresuid, real, effective, saved));
}

int stk_setresgid(gid_t real, gid_t effective, gid_t saved) {
  return (int)result(syscall(SYS_setresgid, real, effective, saved));
}

int stk_setgroups(size_t count, const gid_t *groups) { return (int)result(syscall(SYS_setgroups, count, groups)); }

int stk_fsopen(const char *type) { return (int)result(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)); }

int stk_fsconfig(int context, unsigned command, const char *key, const void *value, int auxiliary) {
  return (int)result(syscall(SYS_fsconfig, context, command, key, value, auxiliary));
}

int stk_fsmount(int context, unsigned attributes) {
  return (int)result(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes));
}

int stk_open_tree(int directory, const char *path, unsigned flags) {
  return (int)result(syscall(SYS_open_tree, directory, path, flags | OPEN_TREE_CLOEXEC));
}

int stk_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags) {
  return (int)result(syscall(SYS_move_mount, from, from_path, to, to_path, flags));
}

int stk_mount_setattr(int directory, const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation,
                      int userns) {
  struct mount_attr attributes = {
      .attr_set = set, .attr_clr = clear, .propagation = propagation, .userns_fd = userns >= 0 ? (uint64_t)userns : 0};
  return (int)result(syscall(SYS_mount_setattr, directory, path, flags, &attributes, sizeof attributes));
}

int stk_pivot_root(const char *new_root, const char *put_old) {
  return (int)result(syscall(SYS_pivot_root, new_root, put_old));
}

int stk_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
  return (int)result(syscall(SYS_mount, source, target, type, flags, data));
}

int stk_umount2(const char *target, int flags) { return (int)result(syscall(SYS_umount2, target, flags)); }

const unsigned STK_FSCONFIG_SET_FLAG = FSCONFIG_SET_FLAG, STK_FSCONFIG_SET_STRING = FSCONFIG_SET_STRING,
               STK_FSCONFIG_SET_FD = FSCONFIG_SET_FD, STK_FSCONFIG_CMD_CREATE = FSCONFIG_CMD_CREATE;
const unsigned STK_OPEN_TREE_CLONE = OPEN_TREE_CLONE, STK_AT_EMPTY_PATH = AT_EMPTY_PATH,
               STK_AT_RECURSIVE = AT_RECURSIVE, STK_AT_SYMLINK_NOFOLLOW = AT_SYMLINK_NOFOLLOW;
const unsigned STK_MOVE_MOUNT_F_EMPTY_PATH = MOVE_MOUNT_F_EMPTY_PATH,
               STK_MOVE_MOUNT_T_EMPTY_PATH = MOVE_MOUNT_T_EMPTY_PATH;
const uint64_t STK_MOUNT_ATTR_RDONLY = MOUNT_ATTR_RDONLY, STK_MOUNT_ATTR_NOSUID = MOUNT_ATTR_NOSUID,
               STK_MOUNT_ATTR_NODEV = MOUNT_ATTR_NODEV, STK_MOUNT_ATTR_NOEXEC = MOUNT_ATTR_NOEXEC,
               STK_MOUNT_ATTR_IDMAP = MOUNT_ATTR_IDMAP, STK_MOUNT_ATTR_NOSYMFOLLOW = MOUNT_ATTR_NOSYMFOLLOW,
               STK_MOUNT_ATTR_ATIME_MASK = MOUNT_ATTR__ATIME, STK_MOUNT_ATTR_NOATIME = MOUNT_ATTR_NOATIME,
               STK_MOUNT_ATTR_STRICTATIME = MOUNT_ATTR_STRICTATIME;

ssize_t stk_send(int socket, const void *bytes, size_t count, int descriptor) {
  struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (descriptor >= 0) {
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  return result(sendmsg(socket, &message, MSG_NOSIGNAL));
}

ssize_t stk_receive(int socket, void *bytes, size_t count, int *descriptor) {
  struct iovec part = {.iov_base = bytes, .iov_len = count};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  *descriptor = -1;
  ssize_t received = result(recvmsg(socket, &message, MSG_CMSG_CLOEXEC));
  if (received < 0) return received;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header))
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
      memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
  return received;
}

int stk_bpf_load_device_program(const uint64_t *instructions, size_t count) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = (uint64_t)(uintptr_t)instructions;
  attributes.insn_cnt = (uint32_t)count;
  attributes.license = (uint64_t)(uintptr_t)"Apache-2.0";
  return (int)result(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
}

int stk_bpf_attach_device_program(int cgroup, int program) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.target_fd = (uint32_t)cgroup;
  attributes.attach_bpf_fd = (uint32_t)program;
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  return (int)result(syscall(SYS_bpf, BPF_PROG_ATTACH, &attributes, sizeof attributes));
}

int stk_bind_ipv4(uint32_t address, uint16_t port, int stream) {
  int descriptor = socket(AF_INET, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
  if (bind(descriptor, (struct sockaddr *)&name, sizeof name) < 0) {
    int error = errno;
    close(descriptor);
    return -error;
  }
  return descriptor;
}

int stk_bound_port(int socket) {
  struct sockaddr_in name;
  socklen_t size = sizeof name;
  if (getsockname(socket, (struct sockaddr *)&name, &size) < 0) return -errno;
  return ntohs(name.sin_port);
}

dev_t stk_makedev(unsigned major, unsigned minor) { return makedev(major, minor); }
unsigned stk_major(dev_t device) { return major(device); }
unsigned stk_minor(dev_t device) { return minor(device); }
