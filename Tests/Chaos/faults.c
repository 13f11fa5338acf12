// Runs a command and makes one of its system calls fail, or kills the process that makes it: `chaos.py` says which, and why.
//
//   faults ROLE SHIM N ERRNO REPORT COMMAND…
//
// ROLE   whose system calls count: `command`; `step`, its children that execute nothing; `factory`, which it executes to
//        fork shims; `shim`; `init`, a shim's children until they execute the container's program, after which they are left
//        alone; `supervisor`, which it executes too. Other programs and their children are left alone.
// SHIM   for `shim` and `init`: which shim, counted from 1 in the order in which they are forked.
// N      the call, from 1; with 0 nothing happens, and the calls are counted.
// ERRNO  what the call fails with, without having been made; 0 kills the process instead, before the call is made.
// REPORT a file or pipe for lines: `hit CALL NAME-OR-PATH`, `exit STATUS` of the command (as wait(2) has it), `count ROLE N`.
//
// For a kill those calls count that change something outside the process, for an error also those that look at something.
// The calls of the dynamic loader do not count. It ends when the command and all shims have ended.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "only for x86-64"
#endif

enum role { COMMAND, STEP, FACTORY, SHIM, INIT, SUPERVISOR, ROLES, OTHER };
static const char *const role_names[] = {"command", "step", "factory", "shim", "init", "supervisor"};

struct tracee {
  pid_t pid, parent;  // parent 0: not known yet
  enum role role;
  bool matches, counts;  // counts: the loader is done
  long failure;          // what the call in progress is to return, or 0
};

static struct tracee tracees[256];
static int tracee_count;
static enum role target;
static long victim, shims;
static long at, failure;
static long counts[ROLES];
static FILE *report;

static struct tracee *find(pid_t pid) {
  for (int i = 0; i < tracee_count; i++)
    if (tracees[i].pid == pid) return &tracees[i];
  return NULL;
}

static struct tracee *add(pid_t pid) {
  if (tracee_count == sizeof tracees / sizeof *tracees) {
    fprintf(stderr, "faults: too many processes\n");
    exit(2);
  }
  tracees[tracee_count] = (struct tracee){.pid = pid};
  return &tracees[tracee_count++];
}

static void removed(pid_t pid) {
  struct tracee *tracee = find(pid);
  if (tracee) *tracee = tracees[--tracee_count];
}

static void read_text(pid_t pid, unsigned long address, char *text, size_t size) {
  struct iovec local = {text, size - 1}, remote = {(void *)address, size - 1};
  ssize_t length = process_vm_readv(pid, &local, 1, &remote, 1, 0);
  if (length < 0) {
    // The string may end before a page that is not there.
    size_t rest = 4096 - address % 4096;
    local.iov_len = remote.iov_len = rest < size - 1 ? rest : size - 1;
    length = process_vm_readv(pid, &local, 1, &remote, 1, 0);
  }
  text[length > 0 ? length : 0] = 0;
  for (char *c = text; *c; c++)
    if (*c == '\n') *c = ' ';
}

static bool changes_something(long call, const unsigned long long *arguments) {
  switch (call) {
    case SYS_openat: return arguments[2] & (O_CREAT | O_TRUNC);
    case SYS_openat2: case SYS_write: case SYS_pwrite64: case SYS_writev: case SYS_pwritev: case SYS_sendto:
    case SYS_sendmsg: case SYS_mkdirat: case SYS_mkdir: case SYS_mknodat: case SYS_symlinkat: case SYS_linkat:
    case SYS_unlinkat: case SYS_unlink: case SYS_rmdir: case SYS_rename: case SYS_renameat: case SYS_renameat2:
    case SYS_fchmodat: case SYS_fchmod: case SYS_chmod: case SYS_fchown: case SYS_fchownat: case SYS_ftruncate:
    case SYS_fallocate: case SYS_utimensat: case SYS_mount: case SYS_umount2: case SYS_fsmount: case SYS_open_tree:
    case SYS_move_mount: case SYS_mount_setattr: case SYS_pivot_root: case SYS_chroot: case SYS_unshare:
    case SYS_setns: case SYS_clone: case SYS_clone3: case SYS_fork: case SYS_vfork: case SYS_execve: case SYS_bind:
    case SYS_listen: case SYS_connect: case SYS_shutdown: case SYS_flock: case SYS_kill: case SYS_pidfd_send_signal:
    case SYS_sethostname: case SYS_setsid: case SYS_setresuid: case SYS_setresgid: case SYS_setgroups:
    case SYS_waitid: case SYS_wait4: case SYS_copy_file_range: case SYS_sendfile: case SYS_exit_group:
    case SYS_inotify_add_watch:
      return true;
    default: return false;
  }
}

/// Calls whose failure says nothing about the program: memory, time, and what the C library does on its own. That something
/// is not there is only an answer to a name.
static bool can_fail(long call, const unsigned long long *arguments) {
  switch (call) {
    case SYS_read: case SYS_pread64: case SYS_write: case SYS_pwrite64: case SYS_lseek: case SYS_fstat: case SYS_fcntl:
    case SYS_dup: case SYS_dup3: case SYS_pipe2: case SYS_ftruncate: case SYS_fchmod: case SYS_fchown: case SYS_recvfrom:
    case SYS_recvmsg: case SYS_socket: case SYS_socketpair: case SYS_listen: case SYS_setsockopt: case SYS_getsockopt:
      return failure != ENOENT;
    // fstat(3), to the C library.
    case SYS_newfstatat: return failure != ENOENT || arguments[3] != AT_EMPTY_PATH;
    case SYS_mmap: case SYS_munmap: case SYS_mprotect: case SYS_mremap: case SYS_madvise: case SYS_brk: case SYS_close:
    case SYS_exit: case SYS_exit_group: case SYS_rt_sigaction: case SYS_rt_sigprocmask: case SYS_rt_sigreturn:
    case SYS_sigaltstack: case SYS_futex: case SYS_getrandom: case SYS_getpid: case SYS_gettid: case SYS_getuid:
    case SYS_geteuid: case SYS_getgid: case SYS_getegid: case SYS_umask: case SYS_uname: case SYS_prlimit64:
    case SYS_set_tid_address: case SYS_set_robust_list: case SYS_rseq: case SYS_arch_prctl:
    case SYS_sched_getaffinity: case SYS_clock_gettime: case SYS_restart_syscall: case SYS_wait4: case SYS_waitid:
    case SYS_poll: case SYS_ppoll: case SYS_ioctl:
      return false;
    // Asked which capabilities there are: any answer is one.
    case SYS_prctl: return arguments[0] != 23;
    default: return true;
  }
}

static void entered(struct tracee *tracee, const struct __ptrace_syscall_info *info) {
  long call = (long)info->entry.nr;
  const unsigned long long *arguments = (const unsigned long long *)info->entry.args;
  char path[256] = "";
  switch (call) {
    case SYS_openat: case SYS_openat2: case SYS_mkdirat: case SYS_unlinkat: case SYS_renameat: case SYS_newfstatat:
    case SYS_faccessat2: case SYS_readlinkat: case SYS_mknodat: case SYS_symlinkat: case SYS_fchmodat:
    case SYS_open_tree: case SYS_statx:
      read_text(tracee->pid, arguments[1], path, sizeof path);
      break;
    case SYS_fsopen: case SYS_execve: read_text(tracee->pid, arguments[0], path, sizeof path); break;
    case SYS_fsconfig: read_text(tracee->pid, arguments[2], path, sizeof path); break;
  }
  // The loader opens libraries before the program opens anything.
  if (!tracee->counts && call == SYS_openat && !strstr(path, ".so") && strcmp(path, "/proc/self/maps")) tracee->counts = true;
  if (!tracee->counts || !tracee->matches) return;
  if (failure ? !can_fail(call, arguments) : !changes_something(call, arguments)) return;
  long number = ++counts[tracee->role];
  if (tracee->role != target || number != at) return;
  fprintf(report, "hit %ld %s\n", call, path);
  if (failure == 0) {
    kill(tracee->pid, SIGKILL);
    return;
  }
  // A call that does not exist does nothing; what it returns is changed on its way back.
  ptrace(PTRACE_POKEUSER, tracee->pid, offsetof(struct user_regs_struct, orig_rax), -1L);
  tracee->failure = -failure;
}

static void left(struct tracee *tracee) {
  if (tracee->failure == 0) return;
  ptrace(PTRACE_POKEUSER, tracee->pid, offsetof(struct user_regs_struct, rax), tracee->failure);
  tracee->failure = 0;
}

static void inherit(struct tracee *child, const struct tracee *parent) {
  child->parent = parent->pid;
  child->counts = true;
  child->matches = parent->matches;
  switch (parent->role) {
    case COMMAND: child->role = STEP; break;
    case FACTORY:
      child->role = SHIM;
      child->matches = ++shims == victim;
      break;
    case SHIM: child->role = INIT; break;
    case SUPERVISOR: child->role = OTHER; break;
    default: child->role = parent->role;
  }
}

/// What a child of the command has become by executing a program: the program says it in its arguments.
static enum role executed(pid_t pid) {
  char path[64], arguments[128] = "";
  snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
  FILE *file = fopen(path, "re");
  size_t length = file ? fread(arguments, 1, sizeof arguments - 1, file) : 0;
  if (file) fclose(file);
  const char *first = arguments + strlen(arguments) + 1;
  if (first >= arguments + length) return OTHER;
  return strcmp(first, "shims") == 0 ? FACTORY : strcmp(first, "supervise") == 0 ? SUPERVISOR : OTHER;
}

/// Whether what the process does, or its children do, is looked at.
static bool matters(const struct tracee *tracee) {
  if (tracee->role == OTHER) return false;
  if (at == 0 || tracee->role <= STEP) return true;
  if (tracee->role == SUPERVISOR || target == SUPERVISOR) return tracee->role == target;
  return tracee->role <= target && tracee->matches;
}

/// Lets a process go on: to its next system call where those matter, else to its next child or program.
/// \returns whether it is still traced: what neither counts nor has children that do is not.
static bool resume(const struct tracee *tracee, int signal) {
  if (!matters(tracee)) {
    ptrace(PTRACE_DETACH, tracee->pid, 0, signal);
    return false;
  }
  bool watched = at == 0 || (tracee->role == target && tracee->matches) || tracee->failure;
  ptrace(watched ? PTRACE_SYSCALL : PTRACE_CONT, tracee->pid, 0, signal);
  return true;
}

/// \returns whether the process is still traced.
static bool stopped(struct tracee *tracee, int status) {
  int signal = WSTOPSIG(status);
  if (signal == (SIGTRAP | 0x80)) {
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, tracee->pid, sizeof info, &info) > 0) {
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY) entered(tracee, &info);
      else if (info.op == PTRACE_SYSCALL_INFO_EXIT) left(tracee);
    }
    signal = 0;
  } else if (status >> 16 == PTRACE_EVENT_EXEC) {
    // Another program has a loader too.
    if (tracee->role == COMMAND) tracee->counts = false;
    if (tracee->role == INIT) {
      ptrace(PTRACE_DETACH, tracee->pid, 0, 0);
      return false;
    }
    if (tracee->role == STEP) {
      tracee->role = executed(tracee->pid);
      tracee->counts = false;
    }
    signal = 0;
  } else if (status >> 16) {
    unsigned long child = 0;
    ptrace(PTRACE_GETEVENTMSG, tracee->pid, 0, &child);
    struct tracee parent = *tracee;
    struct tracee *known = find((pid_t)child);
    if (known) {
      // It had stopped before its parent told of it.
      inherit(known, &parent);
      if (!resume(known, 0)) removed((pid_t)child);
    } else {
      inherit(add((pid_t)child), &parent);
    }
    tracee = find(parent.pid);
    signal = 0;
  } else if (signal == SIGSTOP) {
    signal = 0;
  }
  return resume(tracee, signal);
}

int main(int argc, char **argv) {
  if (argc < 7) {
    fprintf(stderr, "usage: faults ROLE SHIM N ERRNO REPORT COMMAND...\n");
    return 2;
  }
  for (target = 0; target < ROLES && strcmp(role_names[target], argv[1]); target++) {}
  victim = atol(argv[2]);
  at = atol(argv[3]);
  failure = atol(argv[4]);
  report = fopen(argv[5], "we");
  if (target == ROLES || !report) return 2;
  setlinebuf(report);

  pid_t command = fork();
  if (command == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    execv(argv[6], argv + 6);
    _exit(127);
  }
  int status;
  waitpid(command, &status, 0);
  ptrace(
    PTRACE_SETOPTIONS, command, 0,
    PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC
      | PTRACE_O_EXITKILL);
  *add(command) = (struct tracee){.pid = command, .parent = 1, .role = COMMAND, .matches = true};
  resume(&tracees[0], 0);

  while (tracee_count > 0) {
    pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0) break;
    struct tracee *tracee = find(pid);
    if (WIFSTOPPED(status)) {
      // A child whose parent has not told of it yet waits.
      if (!tracee) add(pid);
      else if (tracee->parent != 0 && !stopped(tracee, status)) removed(pid);
      continue;
    }
    if (pid == command) {
      fprintf(report, "exit %d\n", status);
      // Nothing more of what is counted belongs to the command.
      for (int role = 0; role < ROLES; role++) fprintf(report, "at-exit %s %ld\n", role_names[role], counts[role]);
    }
    removed(pid);
  }
  for (int role = 0; role < ROLES; role++) fprintf(report, "count %s %ld\n", role_names[role], counts[role]);
  return 0;
}
