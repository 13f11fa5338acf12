// The floor: what the kernel alone needs to bring N containers up and to take them down.
//
//   floor [-n SERVICES] [-w WORKERS] [-s STATE] [-l LOWER] [-b]
//     -n  how many containers (1)
//     -w  threads that start containers, each one whole container after the other (1)
//     -s  directory for the upper and work directories of the overlays (/dev/shm/bench-floor)
//     -l  root file system that they share, with bin/busybox in it
//     -b  best form: one queue a veth, links left to the kernel when their namespace goes (else removed as a group, and waited for)
//
// Prints {"up": MS, "down": MS}. Needs root and a private mount and network namespace (unshare -m -n); makes and removes
// cgroups below `bench-floor`.
//
// A container here is what an engine must make at least: PID, mount, UTS, IPC and network namespaces, a cgroup with
// memory, pids and cpu controllers, an overlay, /proc, /sys and /dev with what belongs there, masked and read-only paths,
// pivot_root, a veth pair on a bridge with an address and a default route, and execve. There is no policy, no state, no
// log, no seccomp filter and no user namespace: whatever an engine takes more than this is its own.
#define _GNU_SOURCE
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

enum { LINK_GROUP = 0x62656e63, PATH_SIZE = 512 };
static const char bridge_name[] = "bench-br0";
static const char own_cgroup[] = "bench-floor";

static struct {
  int services, workers, best;
  const char *state, *lower;
} options = {.services = 1, .workers = 1, .state = "/dev/shm/bench-floor", .lower = "rootfs"};

// Where a container's cgroups are: one directory for each hierarchy of v1, or one in the unified tree.
static struct {
  const char *roots[3];
  int count, unified;
} cgroups;

struct container {
  pid_t pid;
  int executed;  // read end: end of file when the program runs
  int network;   // write end: a byte when the veth is there
};

static struct container *containers;
static int bridge;
static atomic_int next;

static void fail(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  _exit(1);
}

static void check(long result, const char *what) {
  if (result < 0) fail(what);
}

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static uint32_t address_of(int index) {
  return htonl(0x0a600000 + 2 + index);  // 10.96.0.2 and up; the bridge has 10.96.0.1
}

static void link_name(char name[IFNAMSIZ], int index) {
  snprintf(name, IFNAMSIZ, "b%x-%d", getpid(), index);  // those of an earlier run may still be going away
}

// -- cgroups

static void find_cgroups(void) {
  if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0) {
    cgroups.roots[cgroups.count++] = "/sys/fs/cgroup";
    cgroups.unified = 1;
    return;
  }
  static const char *const v1[] = {"/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/cpu"};
  for (int i = 0; i < 3; i++) {
    if (access(v1[i], F_OK) == 0) cgroups.roots[cgroups.count++] = v1[i];
  }
}

static void cgroup_path(char path[PATH_SIZE], int hierarchy, int index, const char *file) {
  int length = snprintf(path, PATH_SIZE, "%s/%s", cgroups.roots[hierarchy], own_cgroup);
  if (index >= 0) snprintf(path + length, PATH_SIZE - length, "/%d%s", index, file);
}

static void make_cgroups(int index) {
  for (int i = 0; i < cgroups.count; i++) {
    char path[PATH_SIZE];
    cgroup_path(path, i, index, "");
    // One that is there was left by a run that failed.
    if (mkdir(path, 0755) && errno != EEXIST) fail(path);
  }
}

// The directory that holds all of them; on v2 it must pass the controllers on, which the root may not offer.
static void make_parent_cgroup(void) {
  make_cgroups(-1);
  if (!cgroups.unified) return;
  char path[PATH_SIZE];
  snprintf(path, sizeof path, "%s/%s/cgroup.subtree_control", cgroups.roots[0], own_cgroup);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  static const char controllers[] = "+memory +pids +cpu";
  if (file < 0 || write(file, controllers, sizeof controllers - 1) < 0) {
    fprintf(stderr, "floor: %s: %s: measured without limits\n", path, strerror(errno));
  }
  if (file >= 0) close(file);
}

static void remove_cgroups(int index) {
  for (int i = 0; i < cgroups.count; i++) {
    char path[PATH_SIZE];
    cgroup_path(path, i, index, "");
    // Busy until the kernel has let go of the last process, which was waited for: a moment.
    for (int attempt = 0; rmdir(path); attempt++) {
      if (errno != EBUSY || attempt == 10000) fail(path);
      usleep(100);
    }
  }
}

// On v1, from inside: the kernel then needs no lock on all thread groups, as it does for another process's id.
static void enter_cgroups(int index) {
  for (int i = 0; i < cgroups.count; i++) {
    char path[PATH_SIZE];
    cgroup_path(path, i, index, "/tasks");
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, "0", 1) != 1) fail(path);
    close(file);
  }
}

// -- Inside the container

static void mount_or_fail(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
  check(mount(source, target, type, flags, data), target);
}

static void make_devices(void) {
  mount_or_fail("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=64k");
  static const struct {
    const char *path;
    unsigned major, minor;
  } nodes[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
               {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
  for (int i = 0; i < 6; i++) check(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), nodes[i].path);
  static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},
                                         {"/proc/self/fd/0", "dev/stdin"},
                                         {"/proc/self/fd/1", "dev/stdout"},
                                         {"/proc/self/fd/2", "dev/stderr"},
                                         {"pts/ptmx", "dev/ptmx"}};
  for (int i = 0; i < 5; i++) check(symlink(links[i][0], links[i][1]), links[i][1]);
  static const char *const directories[] = {"dev/pts", "dev/shm", "dev/mqueue"};
  for (int i = 0; i < 3; i++) check(mkdir(directories[i], 0755), directories[i]);
  mount_or_fail("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620");
  mount_or_fail("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=64m");
  mount_or_fail("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static void restrict_paths(void) {
  static const char *const masked[] = {"proc/kcore", "proc/keys", "proc/timer_list", "proc/sched_debug"};
  // Not every kernel has each of them.
  for (int i = 0; i < 4; i++) mount("dev/null", masked[i], NULL, MS_BIND, NULL);
  mount("tmpfs", "sys/firmware", "tmpfs", MS_RDONLY, NULL);
  static const char *const read_only[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
  for (int i = 0; i < 5; i++) {
    if (mount(read_only[i], read_only[i], NULL, MS_BIND | MS_REC, NULL)) continue;
    unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    mount_or_fail(NULL, read_only[i], NULL, flags, NULL);
  }
}

static void make_root(int index) {
  char directory[PATH_SIZE], root[PATH_SIZE + 8], data[4 * PATH_SIZE];
  snprintf(directory, sizeof directory, "%s/%d", options.state, index);
  snprintf(root, sizeof root, "%s/root", directory);
  snprintf(data, sizeof data, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work", options.lower, directory, directory);
  mount_or_fail(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  mount_or_fail("overlay", root, "overlay", 0, data);
  check(chdir(root), root);
  mount_or_fail("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  mount_or_fail("sysfs", "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL);
  make_devices();
  restrict_paths();
  // Both the new root and the place of the old one are this directory (pivot_root(2), "pivot_root(".", ".")").
  check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(umount2(".", MNT_DETACH), "umount");
  check(chdir("/"), "chdir /");
}

static void join_network(int index, int ready) {
  char byte;
  if (read(ready, &byte, 1) != 1) fail("wait for the veth");
  int loopback = 1, eth0 = if_nametoindex("eth0");
  struct requests requests = {0};
  set_up(&requests, loopback);
  set_up(&requests, eth0);
  add_address(&requests, eth0, address_of(index), 16);
  add_default_route(&requests, eth0, htonl(0x0a600001));
  int socket = netlink_open();
  int error = netlink_send(socket, &requests);
  if (error) {
    errno = -error;
    fail("address and route");
  }
  close(socket);
}

static void run_container(int index, int ready) {
  if (!cgroups.unified) enter_cgroups(index);
  make_root(index);
  join_network(index, ready);
  char name[16];
  int length = snprintf(name, sizeof name, "s%d", index);
  check(sethostname(name, length), "sethostname");
  char *arguments[] = {"sleep", "1000", NULL}, *environment[] = {"PATH=/bin", NULL};
  execve("/bin/busybox", arguments, environment);
  fail("/bin/busybox");
}

// -- Outside

static void make_directories(int index) {
  static const char *const names[] = {"", "/root", "/upper", "/work"};
  for (int i = 0; i < 4; i++) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%d%s", options.state, index, names[i]);
    check(mkdir(path, 0755), path);
  }
}

static void remove_directories(int index) {
  static const char *const names[] = {"/work/work", "/work", "/upper", "/root", ""};
  for (int i = 0; i < 5; i++) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%d%s", options.state, index, names[i]);
    // A mount point until the kernel has cleaned up the mount namespace that is gone.
    for (int attempt = 0; rmdir(path); attempt++) {
      if (errno != EBUSY || attempt == 10000) fail(path);
      usleep(100);
    }
  }
}

static void start(int index, int netlink) {
  struct container *container = &containers[index];
  make_cgroups(index);
  make_directories(index);
  int executed[2], network[2];
  check(pipe2(executed, O_CLOEXEC), "pipe");
  check(pipe2(network, O_CLOEXEC), "pipe");
  struct clone_args arguments = {
      .flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET, .exit_signal = SIGCHLD};
  int cgroup = -1;
  if (cgroups.unified) {
    char path[PATH_SIZE];
    cgroup_path(path, 0, index, "");
    check(cgroup = open(path, O_DIRECTORY | O_CLOEXEC), path);
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = cgroup;
  }
  pid_t pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  check(pid, "clone3");
  if (pid == 0) {
    close(network[1]);
    run_container(index, network[0]);
  }
  if (cgroup >= 0) close(cgroup);
  close(executed[1]);
  close(network[0]);
  *container = (struct container){.pid = pid, .executed = executed[0], .network = network[1]};

  char name[IFNAMSIZ];
  link_name(name, index);
  struct requests requests = {0};
  add_veth(&requests, name, bridge, LINK_GROUP, pid, options.best);
  int error = netlink_send(netlink, &requests);
  if (error) {
    errno = -error;
    fail(name);
  }
  if (write(container->network, "", 1) != 1) fail("tell the container");
  char byte;
  // Close-on-exec closes the other end: end of file is the running program.
  if (read(container->executed, &byte, 1) != 0) fail("wait for the program");
  close(container->executed);
  close(container->network);
}

static void *work(void *unused) {
  int netlink = netlink_open();
  for (int index; (index = atomic_fetch_add(&next, 1)) < options.services;) start(index, netlink);
  close(netlink);
  return unused;
}

static void up(void) {
  pthread_t threads[64];
  for (int i = 0; i < options.workers; i++) {
    if (pthread_create(&threads[i], NULL, work, NULL)) fail("thread");
  }
  for (int i = 0; i < options.workers; i++) pthread_join(threads[i], NULL);
}

static void down(int netlink) {
  for (int i = 0; i < options.services; i++) kill(containers[i].pid, SIGKILL);
  for (int i = 0; i < options.services; i++) waitpid(containers[i].pid, NULL, 0);
  if (!options.best) {
    struct requests requests = {0};
    delete_group(&requests, LINK_GROUP);
    netlink_send(netlink, &requests);  // those that went with their namespace are not there any more
  }
  for (int i = 0; i < options.services; i++) remove_cgroups(i);
  for (int i = 0; i < options.services; i++) remove_directories(i);
}

static void parse(int count, char **arguments) {
  for (int option; (option = getopt(count, arguments, "n:w:s:l:b")) > 0;) {
    switch (option) {
      case 'n': options.services = atoi(optarg); break;
      case 'w': options.workers = atoi(optarg); break;
      case 's': options.state = optarg; break;
      case 'l': options.lower = optarg; break;
      case 'b': options.best = 1; break;
      default: exit(2);
    }
  }
  if (options.services < 1 || options.services > 60000 || options.workers < 1 || options.workers > 64) exit(2);
}

int main(int count, char **arguments) {
  parse(count, arguments);
  find_cgroups();
  make_parent_cgroup();
  if (mkdir(options.state, 0755) && errno != EEXIST) fail(options.state);
  containers = calloc(options.services, sizeof *containers);
  int netlink = netlink_open();
  struct requests requests = {0};
  add_bridge(&requests, bridge_name);
  if (netlink_send(netlink, &requests)) fail(bridge_name);
  bridge = if_nametoindex(bridge_name);
  requests = (struct requests){0};
  add_address(&requests, bridge, htonl(0x0a600001), 16);
  netlink_send(netlink, &requests);

  double before = milliseconds();
  up();
  double started = milliseconds();
  usleep(30000);  // what starting left to the kernel's own threads is not the stopping's work
  double stopping = milliseconds();
  down(netlink);
  double after = milliseconds();
  printf("{\"up\": %.3f, \"down\": %.3f}\n", started - before, after - stopping);

  requests = (struct requests){0};
  delete_link(&requests, bridge_name);
  netlink_send(netlink, &requests);
  remove_cgroups(-1);
  return 0;
}
