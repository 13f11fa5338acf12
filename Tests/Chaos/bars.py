#!/usr/bin/env python3
"""How `stack` holds out: the same thing a great many times, at the same time, and where something is scarce.

    bars.py [--stack PATH] [--old PATH] [--only BAR,…] [--scale FACTOR] [--json FILE]

    cycles      1000 times up and down: nothing is left, no step gets slower, the kernel's counters of cgroups and network
                namespaces stay
    supervisor  200 restarts of a service under one supervisor: its memory and its descriptors stay
    converge    `up` of 10 services killed 100 times at random moments: the next one makes all of it, once, as fast as ever
    twice       two `up` of the same stack at the same time, 100 times: both succeed, and everything runs once
    parallel    100 stacks up at the same time, and down: no name and no address clashes
    execs       2000 times `exec`: exit codes and streams are exact, none gets slower, no descriptor is lost; 10 MB there and back
    requests    5000 requests to a published port while the supervisor is killed again and again: all are answered
    kills       all containers of a stack killed at once, again and again: all are started again
    full        a full disk at each step of `up`, and under a log: it is said, and all works when there is space again
    scarce      `up` with ever more descriptors and processes allowed: it says what lacks, and leaves nothing, until it succeeds
    oom         a service over its memory limit is killed, named, and started again by its policy; the other one is not touched
    bombs       forks, descriptors, memory, files, logs, loops: another service's answers stay fast, and removal too
    stubborn    services that ignore, stop, freeze, orphan: `down` takes the time they were given, and a second
    sabotage    30 changes behind the stack's back, from the firewall to the state directory: `up` repairs
    upgrade     another file of the program (from --old to --stack) takes over a running stack: nothing is started again
    bounds      a hundred containers: `ps` within 50 ms, `down` within 10 s
    volume      a minute of a log as fast as it can be written: another's `exec` does not wait, the log stays in its bounds
    differential  100 random stacks: order, conditions and exit codes are those of a model of the rules
    absent      each of 26 system calls missing from the kernel: as isolated as ever, or refused in words
    clock       the time of day jumps by a day (in a virtual machine only)

A line a bar; --scale 0.1 does a tenth of everything. Everything runs in namespaces of its own, on a tmpfs. Needs root, busybox-static and nft.
"""
import argparse
import json
import os
import random
import re
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from conditions import CONDITIONS
from hardships import HARDSHIPS
from laboratory import Laboratory, enter_namespaces, read, stay_behind

SLEEP = "{rootfs: ./root, command: [sleep, '1000'], stop_grace_period: 1s}"


def services(count, more=""):
    return "services:\n" + "".join(f"  s{index}: {SLEEP}\n" for index in range(count)) + more


class Bar:
    """One of them: a laboratory with a stack, what is counted, and what is wrong."""

    def __init__(self, options, name, text):
        self.options, self.problems, self.figures = options, [], {}
        self.laboratory = Laboratory(options.stack, None, f"bars{os.getpid()}-{name}", text)

    def times(self, count):
        return max(3, round(count * self.options.scale))

    def wrong(self, text):
        self.problems.append(text)

    def stack(self, *arguments, codes=(0,)):
        """Seconds that the command took."""
        begin = time.perf_counter()
        status, text = self.laboratory.run(*arguments)
        if status not in codes:
            self.wrong(f"{' '.join(arguments)}: {status}: {text.strip()[-300:]}")
        return time.perf_counter() - begin

    def output(self, *arguments):
        self.stack(*arguments)
        return read(f"{self.laboratory.directory}/out")

    def start(self, *arguments, **options):
        return subprocess.Popen(
            [self.options.stack, *arguments], cwd=self.laboratory.directory, env=self.laboratory.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)

    def processes(self, first):
        """The pids of those whose arguments begin so."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if read(f"/proc/{pid}/cmdline").startswith(first):
                found.append(int(pid))
        return found

    def supervisor(self):
        return (self.processes(f"stack\0supervise\0{self.laboratory.project}\0") or [None])[0]

    def kill_supervisor(self):
        pid = self.supervisor()
        if pid:
            os.kill(pid, signal.SIGKILL)

    def wait(self, what, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return self.wrong(f"not within {seconds} s: {what}")
            time.sleep(0.01)
        return None

    def runs_once(self, count):
        running, processes = self.laboratory.running(), len(self.processes("sleep\0001000"))
        if (running, processes) != (count, count):
            self.wrong(f"{running} services run, in {processes} processes, not {count}")

    def end(self):
        self.stack("down", "-v", "-t", "0")
        self.problems += self.laboratory.settled()
        self.laboratory.close()


def milliseconds(seconds):
    return round(seconds * 1000, 1)


def counters():
    """Objects of the kernel that a leak would add to."""
    found = {}
    for line in read("/proc/cgroups").splitlines()[1:]:
        words = line.split()
        found[f"cgroups of {words[0]}"] = int(words[2])
    for line in read("/proc/slabinfo").splitlines():
        if line.startswith("net_namespace "):
            found["network namespaces"] = int(line.split()[1])
    return found


def cycles(bar):
    times, before = [], None
    count = bar.times(1000)
    for number in range(count):
        times.append(bar.stack("up", "-d") + bar.stack("down"))
        if number == 20:
            before = counters()
    time.sleep(0.5)
    grown = {name: f"{before[name]} to {value}" for name, value in counters().items() if before and value > before[name] + 20}
    if grown:
        bar.wrong(f"grown: {grown}")
    tenth = max(1, count // 10)
    first, last = statistics.median(times[:tenth]), statistics.median(times[-tenth:])
    if last > first * 1.05 + 0.002:
        bar.wrong(f"a cycle took {milliseconds(first)} ms, and takes {milliseconds(last)} ms")
    bar.figures |= {"cycles": count, "ms at first": milliseconds(first), "ms at last": milliseconds(last)}


def supervisor(bar):
    bar.stack("up", "-d")

    def state():
        pid = bar.supervisor()
        status = read(f"/proc/{pid}/status")
        return pid, int(re.search(r"RssAnon:\s*(\d+)", status).group(1)), len(os.listdir(f"/proc/{pid}/fd"))

    count = bar.times(200)
    for number in range(count):
        if number == 5:
            pid, memory, descriptors = state()
        bar.stack("restart", "-t", "0", "s0")
    time.sleep(0.3)
    after = state()
    if after[0] != pid:
        bar.wrong("it is another one")
    if after[1] > memory + 2048 or after[2] > descriptors:
        bar.wrong(f"{memory} KB and {descriptors} descriptors have become {after[1]} KB and {after[2]}")
    bar.figures |= {"restarts": count, "KB before": memory, "KB after": after[1], "descriptors": after[2]}


def converge(bar):
    clean = statistics.median([bar.stack("up", "-d") + 0 * bar.stack("down") for _ in range(5)])
    chance, again = random.Random(1), []
    count = bar.times(100)
    for _ in range(count):
        process = bar.start("up", "-d")
        time.sleep(chance.uniform(0, clean))
        process.kill()
        process.communicate()
        again.append(bar.stack("up", "-d"))
        bar.runs_once(10)
        addresses = re.findall(r'"Address": "([0-9.]+)"', "".join(bar.output("inspect", f"s{index}") for index in (0, 9)))
        if len(set(addresses)) != len(addresses):
            bar.wrong(f"addresses that are not unique: {addresses}")
        bar.stack("down", "-t", "0")
    median = statistics.median(again)
    if median > clean * 1.5:
        bar.wrong(f"a clean `up` takes {milliseconds(clean)} ms, one after a kill {milliseconds(median)} ms")
    bar.figures |= {"kills": count, "ms clean": milliseconds(clean), "ms after a kill": milliseconds(median)}


def twice(bar):
    count = bar.times(100)
    for _ in range(count):
        both = [bar.start("up", "-d") for _ in range(2)]
        for process in both:
            error = process.communicate()[1]
            if process.returncode != 0:
                bar.wrong(f"up: {process.returncode}: {error.strip()[-300:]}")
        bar.runs_once(2)
        bar.stack("down", "-t", "0")
    bar.figures |= {"times": count}


def parallel(bar):
    count = bar.times(100)
    names = [f"{bar.laboratory.project}-{index}" for index in range(count)]
    begin = time.monotonic()

    def all_of(*arguments):
        for name, process in [(name, bar.start("-p", name, *arguments)) for name in names]:
            error = process.communicate()[1]
            if process.returncode != 0:
                bar.wrong(f"{name}: {arguments[0]}: {process.returncode}: {error.strip()[-300:]}")

    all_of("up", "-d")
    addresses = [line for line in subprocess.run(["ip", "-o", "-4", "address"], capture_output=True, text=True).stdout.splitlines()]
    subnets = [re.search(r"inet (\S+)", line).group(1) for line in addresses if "stk-" in line]
    if len(subnets) != count or len(set(subnets)) != count:
        bar.wrong(f"{len(subnets)} networks, {len(set(subnets))} of them different, not {count}")
    running = len(bar.processes("sleep\0001000"))
    if running != count:
        bar.wrong(f"{running} containers run, not {count}")
    all_of("down", "-t", "0")
    bar.figures |= {"stacks": count, "seconds": round(time.monotonic() - begin, 1)}


def execs(bar):
    bar.stack("up", "-d")
    count = bar.times(2000)
    shims = bar.processes("stack shim")
    before = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in shims)
    times = []
    for number in range(count):
        code = number % 5
        times.append(bar.stack("exec", "-T", "s0", "sh", "-c", f"echo {number}; echo x{number} >&2; exit {code}", codes=(code,)))
        out, err = read(f"{bar.laboratory.directory}/out"), read(f"{bar.laboratory.directory}/err")
        if (out, err) != (f"{number}\n", f"x{number}\n"):
            bar.wrong(f"exec {number} wrote {out!r} and {err!r}")
    after = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in shims)
    if after != before:
        bar.wrong(f"{before} descriptors of the shims have become {after}")
    data = random.Random(1).randbytes(10 << 20)
    there = subprocess.run(
        [bar.options.stack, "exec", "-T", "s0", "cat"], cwd=bar.laboratory.directory, env=bar.laboratory.environment,
        input=data, stdout=subprocess.PIPE, timeout=20, check=False).stdout
    if there != data:
        bar.wrong(f"of {len(data)} bytes {len(there)} came back, or others")
    median, slow = statistics.median(times[:100]), sorted(times)[int(len(times) * 0.99) - 1]
    if slow > 2 * median + 0.01:
        bar.wrong(f"the slowest hundredth takes {milliseconds(slow)} ms, at first it was {milliseconds(median)} ms")
    bar.figures |= {"execs": count, "ms median": milliseconds(median), "ms p99": milliseconds(slow)}


def requests(bar):
    os.makedirs(f"{bar.laboratory.directory}/root/www", exist_ok=True)
    with open(f"{bar.laboratory.directory}/root/www/index.html", "w") as file:
        file.write("here\n")
    bar.stack("up", "--wait")
    count, kills, lost = bar.times(5000), 0, []
    ended = threading.Event()

    def send():
        for _ in range(count // 2):
            try:
                with urllib.request.urlopen("http://127.0.0.1:18191/", timeout=5) as answer:
                    if answer.read() != b"here\n":
                        lost.append("another answer")
            except (urllib.error.URLError, OSError) as error:
                lost.append(str(error))
            time.sleep(0.002)

    threads = [threading.Thread(target=send) for _ in range(2)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        bar.kill_supervisor()
        kills += 1
        bar.stack("up", "-d")
        ended.wait(0.2)
    if lost:
        bar.wrong(f"{len(lost)} requests lost: {lost[:3]}")
    bar.figures |= {"requests": count, "kills": kills, "a second": round(count / (time.monotonic() - begin))}


def kills(bar):
    count = bar.times(5)
    bar.stack("up", "-d")
    for _ in range(count):
        old = set(bar.processes("sleep\0001000"))
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        bar.wait("all run again", lambda: len(set(bar.processes("sleep\0001000")) - old) == 20)
    bar.wait("`ps` says so", lambda: bar.laboratory.running() == 20)
    bar.figures |= {"rounds": count, "containers": 20}


def full(bar):
    directory = bar.laboratory.directory
    filler = f"{directory}/filler"
    failures = 0

    def fill(space):
        """Leaves that many bytes of the file system free."""
        with open(filler, "wb") as file:
            status = os.statvfs(directory)
            file.truncate(0)
            size = max(0, status.f_bavail * status.f_frsize - space)
            os.posix_fallocate(file.fileno(), 0, size) if size else None

    for pages in range(0, bar.times(60)):
        subprocess.run(["mount", "-o", "remount,size=16m", directory], check=True)
        fill(pages * 4096)
        status, text = bar.laboratory.run("up", "-d")
        if status == 0:
            bar.stack("down", "-v", "-t", "0")
            os.unlink(filler)
            break
        failures += 1
        if "No space left on device" not in text:
            bar.wrong(f"with {pages} pages: {text.strip()[-300:]}")
        if left := bar.laboratory.settled():
            bar.wrong(f"with {pages} pages: {left[:3]}")
        os.unlink(filler)
    # Under a log.
    bar.stack("up", "-d")
    fill(64 << 10)
    bar.stack("exec", "-T", "s0", "sh", "-c", "for i in $(seq 20000); do echo 0123456789 >/proc/1/fd/1; done")
    os.unlink(filler)
    bar.stack("exec", "-T", "s0", "sh", "-c", "echo again >/proc/1/fd/1")
    bar.wait("the log goes on", lambda: "again" in bar.output("logs", "s0").splitlines()[-1:][0])
    bar.figures |= {"failures": failures}


def scarce(bar):
    failures = {"descriptors": 0, "processes": 0}
    for limit in range(3, 64):
        process = bar.start(
            "up", "-d", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))  # noqa: B023
        error = process.communicate()[1]
        if process.returncode == 0:
            break
        failures["descriptors"] += 1
        # A program that is not static is told by its loader.
        if not re.search("too many open files|Error 24", error, re.I) or process.returncode < 0:
            bar.wrong(f"{limit} descriptors: {process.returncode}: {error.strip()[-300:]}")
        if left := bar.laboratory.settled():
            bar.wrong(f"{limit} descriptors: {left[:3]}")
            bar.stack("down", "-v", "-t", "0")
    bar.stack("down", "-v", "-t", "0")
    group = f"/sys/fs/cgroup{'/pids' if os.path.isdir('/sys/fs/cgroup/pids') else ''}/{bar.laboratory.project}"
    os.mkdir(group)
    try:
        for limit in range(1, 16):
            with open(f"{group}/pids.max", "w") as file:
                file.write(str(limit))
            process = bar.start("up", "-d", preexec_fn=lambda: write(f"{group}/cgroup.procs", "0"))
            error = process.communicate()[1]
            if process.returncode == 0:
                break
            failures["processes"] += 1
            if "resource temporarily unavailable" not in error.lower():
                bar.wrong(f"{limit} processes: {process.returncode}: {error.strip()[-300:]}")
            if left := bar.laboratory.settled():
                bar.wrong(f"{limit} processes: {left[:3]}")
                bar.stack("down", "-v", "-t", "0")
        bar.stack("down", "-v", "-t", "0")
    finally:
        bar.wait("its group is empty", lambda: not read(f"{group}/cgroup.procs"))
        os.rmdir(group)
    bar.figures |= failures


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


HTTPD = "  web: {rootfs: ./root, command: [httpd, -f, -p, '80', -h, /www], ports: ['18191:80'], ready: {tcp: 80}}\n"
LOG = "  s0: {rootfs: ./root, command: [sh, -c, 'while :; do sleep 1; done'], stop_grace_period: 1s}\n"
AGAIN = "".join(f"  s{index}: {SLEEP[:-1]}, restart: always}}\n" for index in range(20))
BARS = {
    "cycles": (cycles, services(2)), "supervisor": (supervisor, services(2)), "converge": (converge, services(10)),
    "twice": (twice, services(2)), "parallel": (parallel, services(1)), "execs": (execs, services(1)),
    "requests": (requests, services(1, HTTPD)), "kills": (kills, "services:\n" + AGAIN), "full": (full, "services:\n" + LOG),
    "scarce": (scarce, services(3)),
} | HARDSHIPS | CONDITIONS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default=f"{os.path.dirname(os.path.abspath(__file__))}/../../.build/debug/stack")
    parser.add_argument("--old", metavar="PATH", help="the program that `upgrade` begins with")
    parser.add_argument("--only", default=list(BARS), type=lambda text: text.split(","))
    parser.add_argument("--scale", default=1.0, type=float)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    options.stack = os.path.abspath(options.stack)
    if os.geteuid() != 0:
        sys.exit("bars: needs root: sudo make soak")
    if os.environ.get("BARS_INSIDE") != "1":
        os.environ["BARS_INSIDE"] = "1"
        os.execvp("unshare", enter_namespaces(os.path.abspath(__file__), sys.argv[1:]))
    stay_behind()
    wrong, figures = 0, {}
    for name in options.only:
        begin = time.monotonic()
        function, text = BARS[name]
        bar = Bar(options, name, text)
        try:
            function(bar)
        finally:
            bar.end()
        shown = ", ".join(f"{value} {what}" for what, value in bar.figures.items())
        print(f"{'WRONG' if bar.problems else 'ok':5}  {name}: {shown}  ({time.monotonic() - begin:.1f} s)", flush=True)
        for problem in bar.problems[:30]:
            print(f"       {problem}", flush=True)
        wrong += bool(bar.problems)
        figures[name] = bar.figures | {"problems": len(bar.problems)}
    print(f"{len(options.only)} bars, {wrong} not reached")
    if options.json:
        write(options.json, json.dumps(figures, indent=1) + "\n")
    sys.exit(1 if wrong else 0)


main()
