#!/usr/bin/env python3
"""Kills `stack` at every step, and makes every step fail; afterwards the machine must be as it was.

    chaos.py [--stack PATH] [--only PART,…] [--every N] [--error NAME,…] [--jobs N] [--seconds N] [--verbose]

A part is `kill-` or `fail-` with the name of a command: up, down, stop, restart, scale, run, exec, test. The first four are the default:

    kill-up     the command, its helpers, what forks shims, a shim, a container's first process, and the supervisor, each killed
                (SIGKILL) before each call that changes something, until the container has ended; the next `down` leaves nothing
    kill-down   the same for `down`
    fail-up     each call of `up` fails in turn: `up` takes back what it made, and says what failed, or succeeds in full
    fail-down   each call of `down` fails in turn; the next `down` leaves nothing
    kill-run …  the same for others; what a shim and a container do is the same everywhere, and counts in `up` alone
    kill, fail, all

A line tells every five seconds how far it is; the last line has the figures. All points are tried, unless --every N takes every
Nth, or --seconds (540) are over: both is said. `faults.c` does the killing and failing, with ptrace(2): the same each time.
Everything runs in namespaces of its own, on a tmpfs. Needs root, gcc, busybox-static, nft and an x86-64 processor.
"""
import argparse
import collections
import errno
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from laboratory import SERVICES, VICTIM, Injection, Laboratory, enter_namespaces, stay_behind, system_calls

HERE = os.path.dirname(os.path.abspath(__file__))
ROLES = ["command", "step", "factory", "shim", "init", "supervisor"]
# What runs before, what is disturbed, and whose calls count.
COMMANDS = {
    "up": (False, ["up", "-d"], ROLES),
    "down": (True, ["down", "-v"], ["command", "step"]),
    "stop": (True, ["stop"], ["command"]),
    "restart": (True, ["restart", "web"], ["command", "factory"]),
    "scale": (True, ["scale", "app=2"], ["command", "factory"]),
    "run": (True, ["run", "--rm", "-T", "app", "true"], ["command", "factory"]),
    "exec": (True, ["exec", "-T", "app", "true"], ["command"]),
    "test": (False, ["test", "--", "true"], ["command", "step", "factory", "supervisor"]),
}
DEFAULT = ["kill-up", "kill-down", "fail-up", "fail-down"]
PARTS = DEFAULT + [f"{what}-{name}" for what in ("kill", "fail") for name in list(COMMANDS)[2:]]


class Trial:
    """One point: which part, whose call, its number, and the error (0 kills)."""

    def __init__(self, laboratory, part, role, number, error):
        self.laboratory, self.part, self.role, self.number, self.error = laboratory, part, role, number, error
        self.before, self.command, _ = COMMANDS[part.partition("-")[2]]
        self.hit = None

    def inject(self):
        victim = 1 if self.before else VICTIM
        return Injection(self.laboratory, self.role, victim, self.number, self.error, self.command)

    def count(self):
        """How many calls each role makes when nothing happens."""
        if self.before:
            self.laboratory.run("up", "-d")
        injection = self.inject()
        self.laboratory.down()
        injection.finish()
        return injection.counts

    def run(self):
        if self.before:
            self.laboratory.run("up", "-d")
        injection = self.inject()
        problems = self.judge(injection)
        claim = self.claim(injection.status)
        left = self.laboratory.settled() if claim else []
        problems += [f"{claim}: {what}" for what in left]
        if self.error and self.command[0] == "up" and injection.status == 0:
            running = self.laboratory.running()
            if running != SERVICES:
                problems.append(f"`up` succeeds, and {running} of {SERVICES} services run")
        if left or not claim:
            problems += self.laboratory.down()
            left = self.laboratory.settled()
            problems += left
            if left:
                self.laboratory.down()
                self.laboratory.settled()
        if not injection.finish():
            problems.append("what was started does not end")
        self.hit = injection.hit
        if self.call() in ("flock", "fstat") or "/locks/" in (self.hit or ""):
            # Whoever could not take the lock must not remove its file either, and one that is left is no harm.
            # `test` works on a project with a name of its own.
            problems = [what for what in problems if "/run/locks/" not in what]
        return problems

    def claim(self, status):
        """Why nothing can be left even before another `down`, if that is so."""
        if self.error and self.command[0] == "up" and status != 0:
            return "not taken back"
        # Who is told that nothing is there, which is, cannot know better.
        if self.error not in (0, errno.ENOENT) and self.command[0] in ("down", "test") and status == 0:
            return f"left by `{self.command[0]}`, which succeeds"
        return None

    def call(self):
        return system_call(self.hit).split(" ")[0]

    def judge(self, injection):
        self.hit = injection.hit
        if injection.status == "hangs":
            injection.process.kill()
            return [f"hangs: {injection.text[-600:]}"]
        if self.error == 0 or injection.status == 0:
            return []
        if injection.status < 0 or "Fatal error" in injection.text:
            return [f"status {injection.status}: {injection.text[-600:]}"]
        # What is not there is acted upon as such, and what comes of that is said.
        words = "" if self.error == errno.ENOENT and injection.text.strip() else os.strerror(self.error)
        # These are asked whether something is there, and any error is a no; and a process that cannot speak has no words.
        silent = self.call() in ("faccessat2", "pidfd_open")
        silent |= self.role in ("factory", "shim") and self.call() in ("sendmsg", "recvmsg")
        if words.lower() not in injection.text.lower() and not silent:
            return [f"the message does not say why: {injection.text.strip().splitlines()[-1:]}"]
        return []

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


SYSTEM_CALLS = {number: name for name, number in system_calls().items()}


def interrupt(_signal, _frame):
    raise TimeoutError


def work(options):
    """One of several workers, in namespaces of its own: a line of JSON for each that it reads. A point's number 0 counts."""
    stay_behind()
    signal.signal(signal.SIGALRM, interrupt)
    laboratory = Laboratory(options.stack, options.faults, options.worker)
    try:
        for line in sys.stdin:
            trial = Trial(laboratory, *json.loads(line))
            begin = time.monotonic()
            if trial.number == 0:
                answer = {"counts": trial.count()}
            else:
                answer = {"problems": trial.run(), "point": str(trial)}
            answer["seconds"] = time.monotonic() - begin
            print(json.dumps(answer), flush=True)
    finally:
        laboratory.close()


class Workers:
    """Processes that are given one point at a time."""

    def __init__(self, options, faults):
        arguments = ["--stack", options.stack, "--faults", faults]
        self.selector = selectors.DefaultSelector()
        self.all = [
            subprocess.Popen(
                enter_namespaces(os.path.abspath(__file__), [*arguments, "--worker", f"chaos{os.getpid()}-{number}"]),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for number in range(options.jobs)
        ]
        self.idle = list(self.all)
        self.busy = {}
        for worker in self.all:
            self.selector.register(worker.stdout, selectors.EVENT_READ, worker)

    def carry_out(self, points, deadline=float("inf")):
        """Yields points with their answers, as they come; None when nothing has come for a second."""
        while self.busy or points and time.monotonic() < deadline:
            while points and self.idle and time.monotonic() < deadline:
                worker, point = self.idle.pop(), points.popleft()
                self.busy[worker] = point
                worker.stdin.write(json.dumps(point) + "\n")
                worker.stdin.flush()
            for key, _ in self.selector.select(timeout=1):
                worker = key.data
                line = worker.stdout.readline()
                if not line:
                    sys.exit(f"chaos: a worker ended at {self.busy.get(worker)}")
                self.idle.append(worker)
                yield self.busy.pop(worker), json.loads(line)
            yield None

    def end(self):
        for worker in self.all:
            worker.stdin.close()
        for worker in self.all:
            worker.wait()


class Progress:
    """What has been tried and found, and a line about it now and then."""

    INTERVAL = 5

    def __init__(self, verbose):
        self.verbose, self.begin, self.told = verbose, time.monotonic(), 0
        self.tried, self.wrong, self.total, self.part, self.slowest = collections.Counter(), 0, 0, "counting", (0, "")

    @property
    def seconds(self):
        return time.monotonic() - self.begin

    def tell(self):
        if self.seconds >= self.told + self.INTERVAL:
            self.told = self.seconds
            print(
                f"{self.seconds:4.0f} s  {sum(self.tried.values())} of {self.total} points, {self.wrong} wrong  ({self.part})",
                flush=True)

    def take(self, part, answer):
        self.part = part
        self.tried[part] += 1
        problems = answer["problems"]
        self.wrong += bool(problems)
        self.slowest = max(self.slowest, (answer["seconds"], answer["point"]))
        if problems or self.verbose:
            shown = problems[:8] + ([f"and {len(problems) - 8} more"] if len(problems) > 8 else [])
            print(f"{answer['point']}  {answer['seconds']:.2f} s", *shown, sep="\n    ", flush=True)


def lead(options):
    build = tempfile.mkdtemp(prefix="stack-chaos-build-")
    faults = f"{build}/faults"
    progress = Progress(options.verbose)
    deadline = time.monotonic() + options.seconds
    workers = None
    try:
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", faults, f"{HERE}/faults.c"], check=True)
        workers = Workers(options, faults)
        asked = [(part, error) for part in options.only for error in ([0] if part.startswith("kill") else options.error)]
        counts = {}
        for answer in workers.carry_out(collections.deque((part, "command", 0, error) for part, error in asked)):
            if answer:
                (part, _, _, error), found = answer
                counts[part, error] = found["counts"]
            progress.tell()
        points = [
            (part, role, number, error)
            for part, error in asked for role in COMMANDS[part.partition("-")[2]][2]
            for number in range(1, counts[part, error].get(role, 0) + 1)
        ]
        points = collections.deque(points[::options.every])
        progress.total = len(points)
        for answer in workers.carry_out(points, deadline):
            if answer:
                progress.take(answer[0][0], answer[1])
            progress.tell()
        workers.end()
        workers = None
    finally:
        shutil.rmtree(build)
        for worker in workers.all if workers else []:
            worker.kill()
    if options.every > 1:
        print(f"a sample: every {options.every}th point")
    if points:
        print(f"{len(points)} points were not tried, because {options.seconds} seconds were over")
    print(f"slowest: {progress.slowest[1]}, {progress.slowest[0]:.1f} s")
    print(", ".join(f"{part} {count}" for part, count in progress.tried.items()))
    print(f"{sum(progress.tried.values())} points, {progress.wrong} wrong, {progress.seconds:.0f} seconds")
    sys.exit(1 if progress.wrong or points else 0)


def parts(text):
    names = []
    for word in text.split(","):
        found = [part for part in PARTS if word in ("all", part, part.partition("-")[0])]
        if not found:
            raise argparse.ArgumentTypeError(f"no part {word}: {', '.join(PARTS)}, kill, fail, all")
        names += found
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default=f"{os.path.dirname(os.path.dirname(HERE))}/.build/debug/stack")
    parser.add_argument("--only", default=DEFAULT, type=parts)
    parser.add_argument("--every", default=1, type=int)
    parser.add_argument("--error", default="EIO", type=lambda text: [getattr(errno, name) for name in text.split(",")])
    parser.add_argument("--jobs", default=2 * (os.cpu_count() or 1), type=int)
    parser.add_argument("--seconds", default=540, type=int)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--faults", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.stack = os.path.abspath(options.stack)
    if os.geteuid() != 0:
        sys.exit("chaos: needs root: sudo make chaos")
    if options.worker is not None:
        work(options)
    else:
        lead(options)


main()
