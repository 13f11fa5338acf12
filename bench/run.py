#!/usr/bin/env python3
"""Measures `stack`, and beside it what the kernel alone needs for the same work.

    run.py [--stack PATH] [--crun PATH] [--only PART,…] [-n 1,10,50,100] [-r RUNS] [--json FILE]

Parts, all by default:

    updown   `up -d` and `down` of N services, interleaved with floor.c, which does the kernel's part of it in C
    commands start-up, `exec` beside nsenter, `run` beside the floor of one container, `ps` and `config`
    logs     1,000,000 lines of 100 bytes: how fast they are taken, how fast `logs` gives them back, how many are lost
    life     a chain of health checks, services that are ready in their own time, and ten that do not want to stop
    memory   what a container's shim and the stack's supervisor keep for themselves
    oci      one container of a bundle by `stack oci`, interleaved with floor.c, and with crun where it is installed

Everything runs in a private mount, network and PID namespace, with its state in a directory of its own; a busybox
root file system serves all services. Figures are medians in milliseconds unless they say otherwise. Needs root, gcc
and busybox-static.
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = ["updown", "commands", "logs", "life", "memory", "oci"]
LINES, LINE_LENGTH = 1_000_000, 100


def enter_namespaces():
    """Starts this program again in namespaces of its own, which take everything with them that a failed run leaves."""
    if os.environ.get("BENCH_INSIDE") == "1":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    if os.geteuid() != 0:
        sys.exit("bench: needs root: sudo make bench")
    os.environ["BENCH_INSIDE"] = "1"
    namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    os.execvp("unshare", ["unshare", *namespaces, sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


def compile_c(name, *options):
    target = f"{HERE}/build/{name}"
    os.makedirs(os.path.dirname(target), exist_ok=True)
    subprocess.run(["gcc", "-O2", "-Wall", *options, "-o", target, f"{HERE}/{name}.c"], check=True)
    return target


def make_root(path, lines):
    """A root file system with busybox and the program that writes lines."""
    for directory in "bin dev etc proc sys tmp out".split():
        os.makedirs(f"{path}/{directory}")
    shutil.copy("/bin/busybox", f"{path}/bin/busybox")
    shutil.copy(lines, f"{path}/bin/lines")
    for applet in "sh sleep true httpd touch".split():
        os.symlink("busybox", f"{path}/bin/{applet}")
    with open(f"{path}/etc/passwd", "w") as passwd:
        passwd.write("root:x:0:0:root:/:/bin/sh\n")


def run(command, **options):
    """Milliseconds and standard output of a command, which must succeed."""
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    taken = (time.perf_counter() - begin) * 1000
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(command)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return taken, done.stdout


def settle():
    """Waits until the kernel has finished what the last run left to it: links go a while after their namespace."""
    deadline = time.monotonic() + 5
    while len(socket.if_nameindex()) > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)


def median_of(count, command, **options):
    run(command, **options)
    return statistics.median(run(command, **options)[0] for _ in range(count))


class Bench:
    """The parts, with what they share: `work` is a directory on a tmpfs, `disk` one on a disk."""

    def __init__(self, options, work, disk):
        self.options = options
        self.work = work
        self.disk = disk
        self.root = f"{work}/root"
        self.floor = compile_c("floor", "-pthread")
        make_root(self.root, compile_c("lines", "-static"))
        self.environment = dict(os.environ, STACK_RUN_DIR=f"{work}/run", STACK_DATA_DIR=f"{work}/data", NO_COLOR="1")

    def stack(self, *arguments):
        return run([self.options.stack, *arguments], env=self.environment)

    def stack_file(self, name, services):
        """A stack file with those services; JSON is YAML."""
        directory = f"{self.work}/{name}"
        os.makedirs(directory, exist_ok=True)
        with open(f"{directory}/stack.yaml", "w") as file:
            json.dump({"name": name, "services": services}, file)
        return f"{directory}/stack.yaml"

    def sleepers(self, count):
        service = {"rootfs": self.root, "command": ["sleep", "1000"], "stop_signal": "SIGKILL"}
        return self.stack_file(f"bench{count}", {f"s{i}": service for i in range(count)})

    # -- Parts

    def updown(self):
        result = {}
        # The plain form keeps its state on the disk, the best one on a tmpfs.
        floors = {"floor": ["-s", self.disk], "best": ["-b", "-s", f"{self.work}/floor"]}
        for count in self.options.counts:
            path = self.sleepers(count)
            figures = {name: {"up": [], "down": []} for name in (*floors, "stack")}
            # The first round warms caches up and does not count.
            for round_number in range(self.options.runs + 1):
                measured = {}
                for name, arguments in floors.items():
                    workers = "2" if count > 1 else "1"
                    _, output = run([self.floor, "-n", str(count), "-w", workers, "-l", self.root, *arguments])
                    measured[name] = json.loads(output)
                    settle()
                up, _ = self.stack("-f", path, "up", "-d")
                down, _ = self.stack("-f", path, "down")
                settle()
                measured["stack"] = {"up": up, "down": down}
                if round_number > 0:
                    for name, values in measured.items():
                        for direction, value in values.items():
                            figures[name][direction].append(value)
            row = {name: {d: statistics.median(v) for d, v in values.items()} for name, values in figures.items()}
            result[count] = row
            for direction in ("up", "down"):
                floor, best, stack = (row[name][direction] for name in ("floor", "best", "stack"))
                print(
                    f"{direction:4} {count:4} services   floor {floor:8.2f}   best {best:8.2f}   stack {stack:8.2f}"
                    f"   {stack / floor:5.2f} × floor   {stack / best:5.2f} × best   {stack / count:6.2f} a service",
                    flush=True,
                )
        return result

    def commands(self):
        runs = 20
        result = {
            "busybox true": median_of(runs, ["/bin/busybox", "true"]),
            "version": median_of(runs, [self.options.stack, "version"], env=self.environment),
        }
        path = self.sleepers(50)
        stack = [self.options.stack, "-f", path]
        self.stack("-f", path, "up", "-d")
        sleeper = min(int(p) for p in os.listdir("/proc") if p.isdigit() and command_line(p)[:1] == ["sleep"])
        result["nsenter true"] = median_of(runs, ["nsenter", "-t", str(sleeper), "-m", "-u", "-i", "-n", "-p", "/bin/true"])
        result["exec true"] = median_of(runs, [*stack, "exec", "s0", "true"], env=self.environment)
        result["run --rm true"] = median_of(runs, [*stack, "run", "--rm", "-T", "s0", "true"], env=self.environment)
        floors = []
        for _ in range(runs):
            _, output = run([self.floor, "-n", "1", "-l", self.root, "-s", self.disk])
            settle()
            floors.append(sum(json.loads(output).values()))
        result["floor, one container"] = statistics.median(floors)
        result["ps, 50 services"] = median_of(runs, [*stack, "ps"], env=self.environment)
        self.stack("-f", path, "down")
        for count in (10, 500):
            path = self.sleepers(count)
            result[f"config, {count} services"] = median_of(runs, [self.options.stack, "-f", path, "config"], env=self.environment)
        for name, value in result.items():
            print(f"{name:24} {value:8.2f}", flush=True)
        return result

    def logs(self):
        os.makedirs(f"{self.work}/out", exist_ok=True)
        os.chmod(f"{self.work}/out", 0o777)
        taken = f"{self.work}/out/seconds"
        service = {
            "rootfs": self.root,
            "command": ["lines", str(LINES), str(LINE_LENGTH), "/out/seconds"],
            "volumes": [f"{self.work}/out:/out"],
        }
        path = self.stack_file("benchlogs", {"writer": service})
        written, read, lost = [], [], 0
        megabytes = LINES * LINE_LENGTH / 1e6
        for _ in range(3):
            if os.path.exists(taken):
                os.unlink(taken)
            self.stack("-f", path, "up", "-d")
            deadline = time.monotonic() + 120
            while not (os.path.exists(taken) and os.path.getsize(taken)):
                if time.monotonic() > deadline:
                    raise SystemExit("bench: the lines were not written in two minutes")
                time.sleep(0.01)
            time.sleep(0.2)  # the shim takes what is left in the pipe
            with open(taken) as file:
                written.append(megabytes / float(file.read()))
            output = f"{self.work}/lines"
            command = [self.options.stack, "-f", path, "logs", "--no-color", "--no-log-prefix"]
            begin = time.perf_counter()
            with open(output, "wb") as file:
                subprocess.run(command, env=self.environment, stdout=file, stdin=subprocess.DEVNULL, check=True)
            read.append(megabytes / (time.perf_counter() - begin))
            with open(output, "rb") as file:
                seen = {int(line[:10]) for line in file if len(line) == LINE_LENGTH and line[:10].isdigit()}
            lost = max(lost, LINES - len(seen))
            os.unlink(output)
            self.stack("-f", path, "down")
        result = {"written MB/s": statistics.median(written), "read MB/s": statistics.median(read), "lines lost": lost}
        for name, value in result.items():
            print(f"logs, {name:18} {value:8.0f}", flush=True)
        return result

    def life(self):
        def chain(condition, more):
            services = {}
            for index in range(10):
                services[f"c{index}"] = {"rootfs": self.root, "command": ["sleep", "1000"], "stop_signal": "SIGKILL", **more}
                if index > 0:
                    services[f"c{index}"]["depends_on"] = {f"c{index - 1}": {"condition": condition}}
            return services

        def program(delay, then):
            return ["sh", "-c", f"sleep {delay}; {then}"]

        serve = "exec httpd -f -p 80 -h /tmp"
        stubborn = {"rootfs": self.root, "command": ["sh", "-c", "trap '' TERM; while :; do sleep 1000; done"]}
        files = {
            "chain of 10, started": chain("service_started", {}),
            "chain of 10, healthy": chain("service_healthy", {"healthcheck": {"test": "true", "interval": "1s"}}),
            # The slowest is ready after 300 ms.
            "three probes": {
                "tcp": {"rootfs": self.root, "command": program(0.1, serve), "ready": {"tcp": 80}},
                "http": {"rootfs": self.root, "command": program(0.3, serve), "ready": {"http": {"port": 80, "status": 404}}},
                "file": {"rootfs": self.root, "command": program(0.2, "touch /tmp/x; exec sleep 1000"), "ready": {"file": "/tmp/x"}},
            },
            "ten that ignore SIGTERM": {f"s{index}": stubborn for index in range(10)},
        }
        up, down = {}, {}
        for name, services in files.items():
            path = self.stack_file("benchlife", services)
            times = []
            for _ in range(self.options.runs):
                started, _ = self.stack("-f", path, "up", "--wait")
                ended, _ = self.stack("-f", path, "down")
                settle()
                times.append((started, ended))
            up[name], down[name] = (statistics.median(values) for values in zip(*times))
        healthy, started = up["chain of 10, healthy"], up["chain of 10, started"]
        result = {
            "chain of 10, started": started, "chain of 10, healthy": healthy, "healthy / started": healthy / started,
            "three probes, over the slowest's 300": up["three probes"] - 300,
            "down of ten that ignore SIGTERM": down["ten that ignore SIGTERM"],
        }
        for name, value in result.items():
            print(f"life, {name:38} {value:8.2f}", flush=True)
        return result

    def memory(self):
        count = 50
        path = self.sleepers(count)
        before = set(os.listdir("/proc"))
        self.stack("-f", path, "up", "-d")
        time.sleep(0.5)
        private = {}
        for pid in set(os.listdir("/proc")) - before:
            arguments = command_line(pid) if pid.isdigit() else []
            if len(arguments) > 1 and os.path.basename(arguments[0]) == "stack":
                private.setdefault(arguments[1], []).append(private_kilobytes(pid))
        self.stack("-f", path, "down")
        result = {role: {"processes": len(sizes), "median KB": statistics.median(sizes)} for role, sizes in private.items()}
        for role, figures in sorted(result.items()):
            print(f"private memory, {role:12} {figures['median KB']:8.0f} KB each, {figures['processes']} processes", flush=True)
        return result

    def oci(self):
        bundle = f"{self.work}/bundle"
        os.makedirs(bundle)
        self.stack("oci", "spec", "--bundle", bundle)
        with open(f"{bundle}/config.json") as file:
            config = json.load(file)
        config["root"]["path"] = self.root
        config["process"].update(terminal=False, rlimits=[])
        for name, arguments in (("true", ["true"]), ("sleep", ["sleep", "1000"])):
            config["process"]["args"] = arguments
            with open(f"{bundle}/{name}.json", "w") as file:
                json.dump(config, file)
        runtimes = {"stack": [self.options.stack, "oci", "--root", f"{self.work}/oci"]}
        crun = self.options.crun or shutil.which("crun")
        if crun:
            runtimes["crun"] = [crun, "--root", f"{self.work}/crun"]
        else:
            print("oci: crun is not installed, and is left out", flush=True)
        figures = {}
        runs = max(20, self.options.runs)
        for number in range(runs + 1):
            measured = {}
            for name, options in (("floor", ["-s", self.disk]), ("best floor", ["-b", "-s", f"{self.work}/floor"])):
                _, output = run([self.floor, "-n", "1", "-l", self.root, *options])
                settle()
                for direction, value in json.loads(output).items():
                    measured[f"{name}, {direction}"] = value
            for name, command in runtimes.items():
                identifier = f"bench{number}"
                create = [*command, "run", "--bundle", bundle, "--config"]
                measured[f"{name}, --version"] = run([*command, "--version"])[0]
                measured[f"{name}, run true"] = run([*create, f"{bundle}/true.json", identifier])[0]
                # With a pipe for its output a program that goes on would keep the reader waiting.
                begin = time.perf_counter()
                subprocess.run(
                    [*create, f"{bundle}/sleep.json", "--detach", identifier],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
                )
                measured[f"{name}, run --detach"] = (time.perf_counter() - begin) * 1000
                measured[f"{name}, delete --force"] = run([*command, "delete", "--force", identifier])[0]
            # The first round warms caches up and does not count.
            if number > 0:
                for name, value in measured.items():
                    figures.setdefault(name, []).append(value)
        result = {name: statistics.median(values) for name, values in figures.items()}
        for name, value in result.items():
            print(f"oci, {name:24} {value:8.2f}", flush=True)
        return result


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            # A shim's title is one string.
            return file.read().replace(b"\0", b" ").decode(errors="replace").split()
    except OSError:
        return []


def private_kilobytes(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(n) for n in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", file.read(), re.MULTILINE))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default=f"{HERE}/../dist/stack")
    parser.add_argument("--crun", metavar="PATH", help="another OCI runtime, instead of the crun that is installed")
    parser.add_argument("--only", type=lambda text: text.split(","), default=PARTS, metavar="PART,…")
    parser.add_argument("-n", dest="counts", type=lambda text: [int(n) for n in text.split(",")], default=[1, 10, 50, 100])
    parser.add_argument("-r", dest="runs", type=int, default=7)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    unknown = set(options.only) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))} (there are {', '.join(PARTS)})")
    options.stack = os.path.abspath(options.stack)
    if not os.access(options.stack, os.X_OK):
        sys.exit(f"bench: {options.stack} is missing: make release")
    enter_namespaces()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Where an engine's state is on a real machine: on a tmpfs, except for images and volumes.
    work = tempfile.mkdtemp(prefix="stack-bench-", dir="/run")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "bench", work], check=True)
    disk = tempfile.mkdtemp(prefix="stack-bench-", dir="/var/tmp")
    try:
        bench = Bench(options, work, disk)
        results = {part: getattr(bench, part)() for part in PARTS if part in options.only}
    finally:
        subprocess.run(["umount", "-l", work], check=True)
        os.rmdir(work)
        shutil.rmtree(disk, ignore_errors=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)
            file.write("\n")


main()
