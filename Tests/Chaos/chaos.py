#!/usr/bin/env python3
"""Kills `stack` at every step, and makes every step fail; afterwards the machine must be as it was.

    chaos.py [--stack PATH] [--only PART,…] [--every N] [--error NAME,…] [--jobs N] [--verbose]

Parts, all by default:

    kill-up     the command, its helpers, what forks shims, a shim, and a container's first process, each killed (SIGKILL) before each call
                that changes something, until the container has ended; the next `down` leaves nothing
    kill-down   the same for `down`
    fail-up     each call of `up` fails in turn: `up` takes back what it made, and says what failed, or succeeds in full
    fail-down   each call of `down` fails in turn; the next `down` leaves nothing

`--every N` takes every Nth point. `faults.c` does the killing and failing, with ptrace(2): without sampling, and the same
each time. Everything runs in namespaces of its own, on a tmpfs. Needs root, gcc, busybox-static, nft and an x86-64 processor.
"""
import argparse
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = ["kill-up", "kill-down", "fail-up", "fail-down"]
ROLES = ["command", "step", "factory", "shim", "init"]
PROJECT = "chaos"
# The shim and the container whose steps count, in the order of their start: the one that has everything.
VICTIM = 3
STACK_FILE = f"""
name: {PROJECT}
services:
  db: {{rootfs: ./root, command: [sleep, '1000'], volumes: ['data:/data'], networks: [back]}}
  app: {{rootfs: ./root, command: [sleep, '1000'], depends_on: [db], networks: [back]}}
  web:
    rootfs: ./root
    command: [sh, -c, 'echo ready; exec sleep 1000']
    depends_on: [app]
    ports: ['18190:80', '18190:80/udp']
    networks: [back, front]
    volumes: ['data:/data:ro', /var/scratch, ./root/etc:/host/etc]
    tmpfs: [/tmp]
    mem_limit: 64m
networks: {{front: {{}}, back: {{internal: true}}}}
volumes: {{data: {{}}}}
"""


def unshare(*arguments):
    """This program again, in namespaces that take everything with them that a failed run leaves."""
    flags = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    return ["unshare", *flags, sys.executable, os.path.abspath(__file__), *arguments]


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


class Laboratory:
    """A stack in a directory of its own, and what is left of it on the machine."""

    def __init__(self, stack, faults, number):
        self.stack, self.faults, self.project = stack, faults, f"{PROJECT}{number}"
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
        for applet in "sh sleep".split():
            os.symlink("busybox", f"{self.directory}/root/bin/{applet}")
        with open(f"{self.directory}/stack.yaml", "w", encoding="utf-8") as file:
            file.write(STACK_FILE.replace(PROJECT, self.project))
        os.mkfifo(f"{self.directory}/report")
        # What stays by intent: directories that are common to all stacks, and caches.
        self.run("up", "-d")
        self.run("down", "-v")
        self.clean = self.files()

    def close(self):
        self.run("down", "-v", "-t", "0")
        subprocess.run(["umount", "--lazy", self.directory], check=False)
        os.rmdir(self.directory)

    def run(self, *arguments, program=()):
        """The exit status and what was written to standard error; a command that hangs is killed."""
        with open(f"{self.directory}/out", "w") as out, open(f"{self.directory}/err", "w") as err:
            process = subprocess.Popen(
                [*program, self.stack, *arguments], cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err)
            try:
                status = process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                status = "hangs"
        return status, read(f"{self.directory}/err")

    def inject(self, role, number, error, *arguments):
        """Runs a command with a fault. What it returns has the command's status, and goes on until all shims have ended."""
        return Injection(self, role, number, error, arguments)

    def running(self):
        self.run("ps", "--format", "json")
        lines = read(f"{self.directory}/out")
        return lines.count('"running"')

    def files(self):
        found = set()
        for top in "run", "data":
            for directory, directories, names in os.walk(f"{self.directory}/{top}"):
                found |= {f"{directory}/{name}" for name in directories + names}
        return {path for path in found if "/cache/" not in path}

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
            if line.startswith(("stack\0shims", "stack shim", "sleep\0001000", "sh\0-c\0echo ready")):
                if read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] != ["Z"]:
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
            select_wait(0.05)
        return found


def select_wait(seconds):
    signal.sigtimedwait([], seconds)


class Injection:
    def __init__(self, laboratory, role, number, error, arguments):
        directory = laboratory.directory
        self.errors = f"{directory}/injected"
        with open(self.errors, "w") as err:
            self.process = subprocess.Popen(
                [laboratory.faults, role, str(VICTIM), str(number), str(error),
                 f"{directory}/report", laboratory.stack, *arguments],
                cwd=directory, env=laboratory.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
        self.hit, self.counts, self.status = None, {}, "hangs"
        signal.alarm(30)
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
        """Waits for the shims; returns how many calls each role made."""
        signal.alarm(20)
        try:
            for line in self.report:
                words = line.split()
                if words[0] == "hit":
                    self.hit = " ".join(words[1:])
                elif words[0] == "count":
                    self.counts[words[1]] = int(words[2])
        except TimeoutError:
            self.process.kill()
        finally:
            signal.alarm(0)
        self.report.close()
        self.process.wait()
        return self.counts


class Trial:
    """One point: which part, whose call, its number, and the error (0 kills)."""

    def __init__(self, laboratory, part, role, number, error):
        self.laboratory, self.part, self.role, self.number, self.error = laboratory, part, role, number, error

    def run(self):
        problems = self.up() if self.part.endswith("up") else self.down()
        left = self.laboratory.settled()
        if left:
            self.laboratory.run("down", "-v", "-t", "0")
            self.laboratory.settled()
        return problems + left

    def up(self):
        injection = self.laboratory.inject(self.role, self.number, self.error, "up", "-d")
        problems = self.judge(injection)
        if self.error and injection.status == 0:
            running = self.laboratory.running()
            if running != 3:
                problems.append(f"`up` succeeds, and {running} of 3 services run")
        if self.error == 0 or injection.status == 0:
            problems += self.clean_up()
        else:
            # It has taken back what it made itself.
            left = self.laboratory.settled()
            problems += [f"before `down`: {what}" for what in left]
            if left:
                problems += self.clean_up()
        injection.finish()
        self.hit = injection.hit
        if self.call() in ("flock", "fstat"):
            # Whoever could not take the lock must not remove its file either.
            problems = [what for what in problems if not what.endswith(f"/locks/{self.laboratory.project}")]
        return problems

    def call(self):
        return system_call(self.hit).split(" ")[0]

    def down(self):
        self.laboratory.run("up", "-d")
        injection = self.laboratory.inject(self.role, self.number, self.error, "down", "-v")
        problems = self.judge(injection)
        injection.finish()
        self.hit = injection.hit
        return problems + self.clean_up()

    def judge(self, injection):
        self.hit = injection.hit
        if self.error == 0:
            return ["the command hangs"] if injection.status == "hangs" else []
        if injection.status == 0:
            return []
        if injection.status == "hangs" or injection.status < 0 or "Fatal error" in injection.text:
            return [f"status {injection.status}: {injection.text[-600:]}"]
        words = os.strerror(self.error)
        # These are asked whether something is there, and any error is a no; and a process that cannot speak has no words.
        silent = self.call() in ("faccessat2", "pidfd_open")
        silent |= self.role in ("factory", "shim") and self.call() in ("sendmsg", "recvmsg")
        if words.lower() not in injection.text.lower() and not silent:
            return [f"the message does not say why: {injection.text.strip().splitlines()[-1:]}"]
        return []

    def clean_up(self):
        status, text = self.laboratory.run("down", "-v", "-t", "0")
        return [] if status == 0 else [f"`down` fails ({status}): {text.strip()}"]

    def __str__(self):
        what = errno.errorcode[self.error] if self.error else "SIGKILL"
        return f"{self.part} {self.role} {self.number} {what} at {system_call(self.hit)}"


def system_call(hit):
    if hit is None:
        return "nothing"
    number, _, path = hit.partition(" ")
    # The C library makes fstat(2) of it.
    if SYSTEM_CALLS.get(int(number)) == "newfstatat" and not path:
        return "fstat"
    return f"{SYSTEM_CALLS.get(int(number), number)} {path}".strip()


def system_call_names():
    names = {}
    for line in read("/usr/include/x86_64-linux-gnu/asm/unistd_64.h").splitlines():
        words = line.split()
        if len(words) == 3 and words[1].startswith("__NR_"):
            names[int(words[2])] = words[1].removeprefix("__NR_")
    return names


SYSTEM_CALLS = system_call_names()


def points(laboratory, parts, errors, every):
    """All points, found by counting the calls of an undisturbed run."""
    found = []
    for part in parts:
        kinds = [0] if part.startswith("kill") else errors
        for error in kinds:
            if part.endswith("down"):
                laboratory.run("up", "-d")
                injection = laboratory.inject("command", 0, error, "down", "-v")
            else:
                injection = laboratory.inject("command", 0, error, "up", "-d")
                laboratory.run("down", "-v")
            counts = injection.finish()
            for role in ROLES:
                found += [(part, role, number, error) for number in range(1, counts.get(role, 0) + 1)]
    return found[::every] if every > 1 else found


def work(options):
    """One of several workers, in namespaces of its own: its share of the points, a line of JSON for each that is wrong."""
    signal.signal(signal.SIGALRM, interrupt)
    number, jobs = map(int, options.worker.split("/"))
    laboratory = Laboratory(options.stack, options.faults, number)
    try:
        mine = points(laboratory, options.only, options.error, options.every)[number::jobs]
        for part, role, call, error in mine:
            trial = Trial(laboratory, part, role, call, error)
            problems = trial.run()
            print(json.dumps({"part": part, "point": str(trial), "problems": problems}), flush=True)
    finally:
        laboratory.close()


def interrupt(_signal, _frame):
    raise TimeoutError


def lead(options):
    build = tempfile.mkdtemp(prefix="stack-chaos-build-")
    faults = f"{build}/faults"
    try:
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", faults, f"{HERE}/faults.c"], check=True)
        arguments = ["--stack", options.stack, "--only", ",".join(options.only), "--every", str(options.every)]
        arguments += ["--error", ",".join(errno.errorcode[number] for number in options.error), "--faults", faults]
        workers = [
            subprocess.Popen(unshare(*arguments, "--worker", f"{number}/{options.jobs}"), stdout=subprocess.PIPE, text=True)
            for number in range(options.jobs)
        ]
        tried, wrong = dict.fromkeys(options.only, 0), 0
        for worker in workers:
            for line in worker.stdout:
                result = json.loads(line)
                tried[result["part"]] += 1
                if result["problems"]:
                    wrong += 1
                if result["problems"] or options.verbose:
                    shown, rest = result["problems"][:8], result["problems"][8:]
                    shown += [f"and {len(rest)} more"] if rest else []
                    print(result["point"], *shown, sep="\n    ", flush=True)
        failed = [worker for worker in workers if worker.wait() != 0]
        print(", ".join(f"{part} {count}" for part, count in tried.items()) + f": {wrong} wrong")
        sys.exit(1 if wrong or failed else 0)
    finally:
        shutil.rmtree(build)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default=f"{os.path.dirname(os.path.dirname(HERE))}/.build/debug/stack")
    parser.add_argument("--only", default=",".join(PARTS), type=lambda text: text.split(","))
    parser.add_argument("--every", default=1, type=int)
    parser.add_argument("--error", default="EIO", type=lambda text: [getattr(errno, name) for name in text.split(",")])
    parser.add_argument("--jobs", default=2, type=int)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--faults", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.stack = os.path.abspath(options.stack)
    if os.geteuid() != 0:
        sys.exit("chaos: needs root: sudo make chaos")
    if options.worker:
        work(options)
    else:
        lead(options)


main()
