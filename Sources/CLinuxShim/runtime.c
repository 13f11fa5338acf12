// What a process sets for itself before it becomes a container's program, and local sockets.
#define _GNU_SOURCE
#include "CLinuxShim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static long result(long value) { return value < 0 ? -errno : value; }

int stk_personality(unsigned long persona) { return (int)result(personality(persona)); }

int stk_umask(unsigned mask) { return (int)umask((mode_t)mask); }

int stk_set_io_priority(int class_, int level) {
  return (int)result(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, class_ << IOPRIO_CLASS_SHIFT | level));
}

int stk_set_scheduler(unsigned policy, uint64_t flags, int nice, unsigned priority, uint64_t runtime, uint64_t deadline,
                      uint64_t period) {
  // struct sched_attr of linux/sched/types.h, which clashes with glibc's sched.h.
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attributes = {0, policy, flags, nice, priority, runtime, deadline, period};
  attributes.size = sizeof attributes;
  return (int)result(syscall(SYS_sched_setattr, 0, &attributes, 0));
}

int stk_set_memory_policy(int mode, const unsigned long *nodes, size_t count) {
  // The kernel takes one bit less than it is told.
  return (int)result(syscall(SYS_set_mempolicy, mode, count > 0 ? nodes : NULL, count > 0 ? count * 64 + 1 : 0));
}

int stk_set_close_on_exec(int descriptor, int on) {
  return (int)result(fcntl(descriptor, F_SETFD, on ? FD_CLOEXEC : 0));
}

int stk_chroot(const char *path) { return (int)result(chroot(path)); }

int stk_window_size(int terminal, unsigned short rows, unsigned short columns) {
  struct winsize size = {.ws_row = rows, .ws_col = columns};
  return (int)result(ioctl(terminal, TIOCSWINSZ, &size));
}

const uint64_t STK_MOUNT_ATTR_NODIRATIME = MOUNT_ATTR_NODIRATIME;
const uint64_t STK_MS_PRIVATE = MS_PRIVATE, STK_MS_SHARED = MS_SHARED, STK_MS_SLAVE = MS_SLAVE,
               STK_MS_UNBINDABLE = MS_UNBINDABLE;
