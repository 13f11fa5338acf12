#!/usr/bin/env python3
"""Kills the supervisor again and again under load, and looks whether anybody noticed.

    soak.py [--stack PATH] [--kills N] [--services N] [--rate LINES] [--seed N] [--json FILE]

Services write numbered lines, LINES a second together. The supervisor is killed (SIGKILL) N times at random moments; the next
command starts one, which takes over. Now and then a service ends while there is none. In the end:

    no line is missing, twice, or out of order      no container has ended, but those that did so themselves
    every name leads to its container, and a stopped one to none      health, restarts and exit codes are known

Everything runs in namespaces of its own, on a tmpfs. Needs root, gcc and busybox-static. 200 kills take about a minute.
"""
import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "Chaos"))
import laboratory  # noqa: E402: beside the chaos tests
PROJECT = "soak"


def enter_namespaces():
    if os.environ.get("SOAK_INSIDE") == "1":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return laboratory.stay_behind()
    if os.geteuid() != 0:
        sys.exit("soak: needs root: sudo make soak")
    os.environ["SOAK_INSIDE"] = "1"
    os.execvp("unshare", laboratory.enter_namespaces(os.path.abspath(__file__), sys.argv[1:]))


def supervisor():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read().split(b"\0")[1:3] == [b"supervise", PROJECT.encode()]:
                    return int(pid)
        except OSError:
            continue
    return None


class Soak:
    def __init__(self, options, work):
        self.options, self.work = options, work
        self.random = random.Random(options.seed)
        self.environment = dict(os.environ, STACK_RUN_DIR=f"{work}/run", STACK_DATA_DIR=f"{work}/data", NO_COLOR="1")
        self.names = [f"s{index}" for index in range(options.services)]
        self.problems = []
        self.make_root()
        service = {
            "rootfs": f"{work}/root",
            "command": ["ticker", str(options.rate // options.services)],
            "healthcheck": {"test": "true", "interval": "1s"},
            "restart": "unless-stopped",
        }
        # Ends when it is told to, and stays so; and is started again each time.
        once = {"rootfs": f"{work}/root", "command": ["sh", "-c", "trap 'exit 7' USR1; while :; do sleep 0.02; done"]}
        again = dict(once, restart="always")
        services = {name: service for name in self.names} | {"once": once, "again": again}
        with open(f"{work}/stack.yaml", "w") as file:
            json.dump({"name": PROJECT, "services": services}, file)

    def make_root(self):
        for directory in "bin dev etc proc sys tmp".split():
            os.makedirs(f"{self.work}/root/{directory}")
        shutil.copy("/bin/busybox", f"{self.work}/root/bin/busybox")
        for applet in "sh sleep true nslookup cat".split():
            os.symlink("busybox", f"{self.work}/root/bin/{applet}")
        with open(f"{self.work}/root/etc/passwd", "w") as passwd:
            passwd.write("root:x:0:0:root:/:/bin/sh\n")
        target = f"{self.work}/root/bin/ticker"
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-static", "-o", target, f"{HERE}/ticker.c"], check=True)

    def stack(self, *arguments, codes=(0,)):
        command = [self.options.stack, "-f", f"{self.work}/stack.yaml", *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        if done.returncode not in codes:
            self.problem(f"{' '.join(arguments)}: exit code {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout

    def problem(self, text):
        self.problems.append(text)
        print(f"  {text}", flush=True)

    def rows(self):
        output = self.stack("ps", "-a", "--format", "json")
        return {row["Service"]: row for row in map(json.loads, output.splitlines())}

    def pids(self):
        found = {}
        for name in self.names:
            match = re.search(r'"Pid": (\d+)', self.stack("inspect", name))
            found[name] = match and match.group(1)
        return found

    def wait_until(self, what, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return self.problem(f"not within {seconds} s: {what}")
            time.sleep(0.02)

    def kill(self):
        # One that was started a moment ago may not be executed yet.
        self.wait_until("there is a supervisor to be killed", lambda: supervisor() is not None)
        pid = supervisor()
        if pid is None:
            return
        os.kill(pid, 9)
        while os.path.exists(f"/proc/{pid}"):
            time.sleep(0.001)

    def run(self):
        self.stack("up", "--wait")
        before = self.pids()
        begin = time.monotonic()
        restarts = 0
        for number in range(self.options.kills):
            time.sleep(self.random.uniform(0, 0.15))
            self.kill()
            if number % 20 == 10:
                # Ends while nobody is there to see it.
                self.stack("kill", "-s", "USR1", "again")
                restarts += 1
                time.sleep(0.1)
            # Each of these starts one.
            match number % 3:
                case 0: self.stack("up", "-d")
                case 1: self.stack("exec", "-T", self.random.choice(self.names), "true")
                case 2: self.stack("exec", "-T", "once", "true")
            if number % 20 == 10:
                self.wait_until("the service is started again", lambda: self.rows()["again"]["State"] == "running")
        seconds = time.monotonic() - begin
        self.check_names()
        self.check_end_without_supervisor()
        rows = self.rows()
        for name in self.names:
            if rows[name]["State"] != "running" or rows[name]["Health"] != "healthy":
                self.problem(f"{name} is {rows[name]['State']}, {rows[name]['Health']}")
        after = self.pids()
        ended = [name for name in self.names if before[name] != after[name]]
        if ended:
            self.problem(f"not the processes that were started: {', '.join(ended)}")
        lines = self.check_logs()
        self.stack("down")
        figures = {
            "kills": self.options.kills, "seconds": round(seconds, 1), "lines": lines,
            "lines a second": round(lines / seconds), "ends seen later": restarts, "problems": len(self.problems),
        }
        print(", ".join(f"{value} {name}" for name, value in figures.items()), flush=True)
        return figures

    def look_up(self, name):
        output = self.stack("exec", "-T", "s0", "sh", "-c", f"nslookup {name} 2>&1 || true")
        return [address for address in re.findall(r"Address(?: \d+)?: (10\.[0-9.]+)", output) if not address.endswith(".1")]

    def check_names(self):
        addresses = {}
        for name in [*self.names, "once", "again"]:
            match = re.search(r'"Address": "([0-9.]+)"', self.stack("inspect", name))
            addresses[name] = match and match.group(1)
        for name, address in addresses.items():
            self.wait_until(f"{name} is {address}, not {self.look_up(name)}", lambda: self.look_up(name) == [address])
        last = self.names[-1]
        self.kill()
        self.stack("stop", "-t", "0", last)
        self.wait_until("the name of a stopped service is gone", lambda: self.look_up(last) == [])
        self.names.pop()

    def check_end_without_supervisor(self):
        self.kill()
        self.stack("kill", "-s", "USR1", "once")
        self.wait_until("exit code 7 is known", lambda: self.rows()["once"]["ExitCode"] == 7)
        self.stack("exec", "-T", "s0", "true")

    def check_logs(self):
        """The number of lines: of each service all from 0 to that which it wrote last."""
        self.stack("stop")
        total = 0
        for name in [f"s{index}" for index in range(self.options.services)]:
            lines = self.stack("logs", "--no-log-prefix", name).splitlines()
            # One that was killed does not say which was its last.
            last = [line for line in lines if line.startswith("last ")]
            numbers = [line for line in lines if not line.startswith("last ")]
            if name in self.names and last != [f"last {numbers[-1]}"]:
                self.problem(f"{name} wrote up to {last}, its log ends with {numbers[-1:]}")
            if numbers != [f"{number:010}" for number in range(len(numbers))]:
                self.problem(f"the lines of {name} are not all there, once, and in order")
            total += len(numbers)
        return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default=f"{HERE}/../../.build/debug/stack")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--services", type=int, default=10)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    options.stack = os.path.abspath(options.stack)
    enter_namespaces()
    work = tempfile.mkdtemp(prefix="stack-soak-", dir="/run")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "soak", work], check=True)
    try:
        soak = Soak(options, work)
        figures = soak.run()
    finally:
        subprocess.run(["umount", "-l", work], check=True)
        os.rmdir(work)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(figures, file, indent=1)
            file.write("\n")
    sys.exit(1 if soak.problems else 0)


main()
