"""A stack to be disturbed, in a directory and in namespaces of its own, and what is left of it on the machine."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

# The shim and the container whose steps count in `up`, in the order of their start: the one that has everything.
VICTIM = 3
SERVICES = 3
# Seconds; nothing that is undisturbed needs one.
PATIENCE = 10
STACK_FILE = """
services:
  db: {rootfs: ./root, command: [sleep, '1000'], volumes: ['data:/data'], networks: [back], stop_grace_period: 1s}
  app: {rootfs: ./root, command: [sleep, '1000'], depends_on: [db], networks: [back], stop_grace_period: 1s}
  web:
    rootfs: ./root
    command: [sh, -c, 'echo ready; exec sleep 1000']
    depends_on: [app]
    ports: ['18190:80', '18190:80/udp']
    networks: [back, front]
    volumes: ['data:/data:ro', /var/scratch, ./root/etc:/host/etc]
    tmpfs: [/tmp]
    mem_limit: 64m
    stop_grace_period: 1s
networks: {front: {}, back: {internal: true}}
volumes: {data: {}}
"""


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def system_calls():
    """The numbers of the system calls of this processor, by name."""
    numbers = {}
    for line in read("/usr/include/x86_64-linux-gnu/asm/unistd_64.h").splitlines():
        words = line.split()
        if len(words) == 3 and words[1].startswith("__NR_"):
            numbers[words[1].removeprefix("__NR_")] = int(words[2])
    return numbers


def enter_namespaces(program, arguments):
    """Runs a program of Python in namespaces that take everything with them that a failed run leaves."""
    flags = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    return ["unshare", *flags, sys.executable, program, *arguments]


def stay_behind():
    """Returns in a child; this process stays as the init that orphans need: a container does not end before all that was
    in it has been waited for."""
    child = os.fork()
    while child:
        pid, status = os.wait()
        if pid == child:
            os._exit(os.waitstatus_to_exitcode(status) & 255)


class Laboratory:
    def __init__(self, stack, faults, project, text=STACK_FILE):
        self.stack, self.faults, self.project = stack, faults, project
        self.directory = tempfile.mkdtemp(prefix="stack-chaos-")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "chaos", self.directory], check=True)
        self.environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
            "STACK_RUN_DIR": f"{self.directory}/run", "STACK_DATA_DIR": f"{self.directory}/data",
        }
        for name in "bin dev etc proc sys tmp data".split():
            os.makedirs(f"{self.directory}/root/{name}")
        shutil.copy("/bin/busybox", f"{self.directory}/root/bin/busybox")
        for applet in "sh sleep true cat httpd seq dd yes".split():
            os.symlink("busybox", f"{self.directory}/root/bin/{applet}")
        with open(f"{self.directory}/stack.yaml", "w", encoding="utf-8") as file:
            file.write(f"name: {project}\n{text}")
        os.mkfifo(f"{self.directory}/report")
        # What stays by intent: directories that are common to all stacks, and caches.
        self.run("up", "-d")
        self.run("down", "-v")
        self.clean = self.files() | {f"{self.directory}/data/logs"}

    def projects(self):
        """The stack, and those that were made from its file under other names (`stack test`)."""
        found = {self.project}
        for directory in "locks", "projects":
            if os.path.isdir(f"{self.directory}/run/{directory}"):
                # Not the lock of the numbers of users, which is common to all.
                found |= {name for name in os.listdir(f"{self.directory}/run/{directory}") if not name.startswith(".")}
        return found

    def down(self):
        """What goes wrong in taking everything down."""
        results = [(name, *self.run("-p", name, "down", "-v", "-t", "0")) for name in self.projects()]
        return [f"`down` of {name} fails ({status}): {text.strip()}" for name, status, text in results if status != 0]

    def close(self):
        self.down()
        subprocess.run(["umount", "--lazy", self.directory], check=False)
        os.rmdir(self.directory)

    def run(self, *arguments):
        """The exit status and what was written to standard error; a command that hangs is killed."""
        with open(f"{self.directory}/out", "w") as out, open(f"{self.directory}/err", "w") as err:
            process = subprocess.Popen(
                [self.stack, *arguments], cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err)
            try:
                status = process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                status = "hangs"
        return status, read(f"{self.directory}/err")

    def running(self):
        self.run("ps", "--format", "json")
        return read(f"{self.directory}/out").count('"running"')

    def files(self):
        found = set()
        for top in "run", "data":
            for directory, directories, names in os.walk(f"{self.directory}/{top}"):
                found |= {f"{directory}/{name}" for name in directories + names}
        # A lock that is left is no harm: who takes it next finds it.
        return {path for path in found if "/cache/" not in path and not path.endswith("/locks/.users")}

    def leftovers(self):
        found = []
        for link in read("/proc/self/net/dev").splitlines()[2:]:
            name = link.split(":")[0].strip()
            if name.startswith(("stk-", "stv")):
                found.append(f"link {name}")
        tables = subprocess.run(["nft", "list", "tables"], stdout=subprocess.PIPE, check=False).stdout.decode()
        found += [line for line in tables.splitlines() if "stack-" in line]
        hierarchies = ["/sys/fs/cgroup"] + [f"/sys/fs/cgroup/{name}" for name in os.listdir("/sys/fs/cgroup")]
        found += [f"cgroup {top}" for top in hierarchies if os.path.isdir(f"{top}/stack/{self.project}")]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            line = read(f"/proc/{pid}/cmdline")
            ours = ("stack\0shims", "stack\0supervise", "stack shim", "stack probe", "sleep\0001000", "sh\0-c\0echo ready")
            if line.startswith(ours) and read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] != ["Z"]:
                found.append(f"process {pid} {line!r}")
        found += [f"mount {line}" for line in read("/proc/self/mountinfo").splitlines() if f"{self.directory}/" in line]
        found += [f"file {path}" for path in sorted(self.files() - self.clean)]
        return found

    def settled(self):
        """What is left once the kernel has had time: it removes namespaces and their links after their last process."""
        for _ in range(60):
            found = self.leftovers()
            if not found:
                break
            signal.sigtimedwait([], 0.05)
        return found


class Injection:
    """A command that runs with a fault: its status, and what it said; all that it started may run on."""

    def __init__(self, laboratory, role, victim, number, error, arguments):
        directory = laboratory.directory
        self.errors = f"{directory}/injected"
        with open(self.errors, "w") as err:
            self.process = subprocess.Popen(
                [laboratory.faults, role, str(victim), str(number), str(error),
                 f"{directory}/report", laboratory.stack, *arguments],
                cwd=directory, env=laboratory.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
        self.hit, self.counts, self.status = None, {}, "hangs"
        signal.alarm(PATIENCE)
        try:
            self.report = open(f"{directory}/report", encoding="utf-8", errors="replace")
            for line in self.report:
                word, _, rest = line.strip().partition(" ")
                if word == "hit":
                    self.hit = rest
                elif word == "exit":
                    self.status = os.waitstatus_to_exitcode(int(rest))
                    break
        except TimeoutError:
            pass
        finally:
            signal.alarm(0)
        self.text = read(self.errors)

    def finish(self):
        """Waits until all that is looked at has ended; false when it does not."""
        signal.alarm(PATIENCE)
        ended = True
        try:
            for line in self.report:
                words = line.split()
                if words[0] == "hit":
                    self.hit = " ".join(words[1:])
                elif words[0] == "count":
                    self.counts[words[1]] = int(words[2])
        except TimeoutError:
            ended = False
            self.process.kill()
        finally:
            signal.alarm(0)
        self.report.close()
        self.process.wait()
        return ended
