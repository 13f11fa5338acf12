"""What can go wrong in a service, or be done to a stack behind its back: bars that `bars.py` runs.

Each is a function of a bar, with the text of its stack file in `STACKS`.
"""
import os
import re
import shutil
import signal
import statistics
import subprocess
import time
import urllib.error
import urllib.request

from laboratory import read

PORT = 18195
WEB = (
    f"  web: {{rootfs: ./root, command: [httpd, -f, -p, '80', -h, /www], ports: ['{PORT}:80'], ready: {{tcp: 80}},"
    " stop_grace_period: 1s}\n"
)
SLEEP = "rootfs: ./root, command: [sleep, '1000'], stop_grace_period: 1s"


def service(name, script, more=""):
    script = script.replace("'", "''")
    return f"  {name}: {{rootfs: ./root, command: [sh, -c, '{script}'], stop_grace_period: 1s{more}}}\n"


def page(bar):
    os.makedirs(f"{bar.laboratory.directory}/root/www", exist_ok=True)
    with open(f"{bar.laboratory.directory}/root/www/index.html", "w") as file:
        file.write("here\n")


def ask():
    """Seconds that an answer of the server took; None without one."""
    begin = time.perf_counter()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=3) as answer:
            if answer.read() != b"here\n":
                return None
    except (urllib.error.URLError, OSError):
        return None
    return time.perf_counter() - begin


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def latency(bar, count):
    times = []
    for _ in range(count):
        took = ask()
        if took is None:
            bar.wrong("a request was not answered")
        else:
            times.append(took)
        time.sleep(0.005)
    return percentile(times, 0.99) if times else 0


def pids(bar, *names):
    text = "".join(bar.output("inspect", name) for name in names)
    return re.findall(r'"Pid": (\d+)', text)


def oom(bar):
    """A service over its limit is killed, it is said, it is started again by its policy, and nobody else notices."""
    before = None
    rounds = bar.times(10)
    bar.stack("up", "-d", "calm")
    before = pids(bar, "calm")
    for _ in range(rounds):
        bar.stack("up", "-d")

        def ended():
            shown = bar.output("ps", "-a", "--format", "json")
            return '"exited"' in shown and bar.laboratory.running() == 1

        bar.wait("the hungry one has ended for good", ended)
        shown = bar.output("ps", "-a")
        if "out of memory" not in shown:
            bar.wrong(f"it is not said that memory ran out: {shown}")
        if pids(bar, "calm") != before:
            bar.wrong("the other service was touched")
        bar.stack("rm", "-f", "-s", "hungry")
    bar.figures |= {"rounds": rounds}


def bombs(bar):
    """One service does its worst; another's answers stay fast, and `down` does not take long."""
    page(bar)
    bar.stack("up", "-d", "--wait", "web")
    count = bar.times(300)
    calm = latency(bar, count)
    worst, longest = 0, 0
    for name in BOMBS:
        bar.stack("up", "-d", "--no-deps", name)
        time.sleep(0.5)
        slow = latency(bar, count)
        worst = max(worst, slow)
        if slow > 2 * calm + 0.02:
            bar.wrong(f"{name}: the slowest hundredth of answers takes {slow * 1000:.1f} ms, without it {calm * 1000:.1f} ms")
        took = bar.stack("rm", "-f", "-s", name)
        longest = max(longest, took)
        if took > 15:
            bar.wrong(f"{name}: it took {took:.1f} s to remove it")
    bar.figures |= {"bombs": len(BOMBS), "ms p99 calm": round(calm * 1000, 1), "ms p99 worst": round(worst * 1000, 1),
                    "s longest removal": round(longest, 1)}


def stubborn(bar):
    """What does not want to go: `down` takes as long as it was given to them, and a second."""
    rounds, longest = bar.times(5), 0
    for _ in range(rounds):
        bar.stack("up", "-d")
        bar.stack("pause", "frozen")
        time.sleep(0.3)
        took = bar.stack("down")
        longest = max(longest, took)
        if took > 2:
            bar.wrong(f"`down` took {took:.1f} s")
        if left := bar.laboratory.settled():
            bar.wrong(f"left: {left[:3]}")
    bar.figures |= {"rounds": rounds, "services": len(STUBBORN), "s longest": round(longest, 2)}


def run(command):
    return subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout


def sabotage(bar):
    """The machine is changed behind the stack's back: `ps` tells something and does not crash, `up` repairs."""
    page(bar)
    laboratory = bar.laboratory
    state = f"{laboratory.directory}/run/projects/{laboratory.project}"
    bridges = "ip -o link | grep -o 'stk-[^:@ ]*' | sort -u"
    cases = {
        "the firewall is flushed": "nft flush ruleset",
        "our table is deleted": "nft list tables | grep -o 'ip stack-.*' | while read f n; do nft delete table $f $n; done",
        "the tables of all families are deleted":
            "nft list tables | sed -n 's/^table \\(.* stack-.*\\)/\\1/p' | while read t; do nft delete table $t; done",
        "a rule of ours is flushed":
            "nft list tables | sed -n 's/^table \\(ip stack-.*\\)/\\1/p' | while read t; do nft flush table $t; done",
        "the bridge is down": f"for b in $({bridges}); do ip link set $b down; done",
        "the bridge is gone": f"for b in $({bridges}); do ip link delete $b; done",
        "the bridge has no address": f"for b in $({bridges}); do ip address flush dev $b; done",
        "the machine's end of a cable is gone": "ip -o link | grep -o 'stv[^:@ ]*' | head -n 1 | while read v; do ip link delete $v; done",
        "forwarding is off": "echo 0 >/proc/sys/net/ipv4/ip_forward",
        "a cgroup is to be removed": f"find /sys/fs/cgroup -depth -type d -path '*stack/{laboratory.project}*' -exec rmdir {{}} + 2>/dev/null",
        "the container is killed": "kill -9 $PID",
        "the shim is killed": "kill -9 $SHIM",
        "shim and container are killed": "kill -9 $SHIM $PID",
        "the supervisor is killed": "kill -9 $SUPERVISOR",
        "the supervisor is stopped": "kill -STOP $SUPERVISOR",
        "the record of the run is gone": f"rm -f {state}/containers/*/run",
        "the record of the run is cut": f"for f in {state}/containers/*/run; do truncate -s 3 $f; done",
        "the container's record is gone": f"rm -f {state}/containers/*web*/container",
        "the container's record is nonsense": f"for f in {state}/containers/*web*/container; do echo nonsense >$f; done",
        "the specification is gone": f"rm -f {state}/containers/*web*/specification",
        "the networks' records are gone": f"find {state} -name 'network*' -exec rm -rf {{}} +",
        "all records are gone": f"rm -rf {state}/containers",
        "the whole state is gone": f"rm -rf {state}",
        "the log is gone": f"rm -rf {laboratory.directory}/data/logs",
        "the log is nonsense": f"find {laboratory.directory}/data/logs -type f | while read f; do head -c 5000 /dev/urandom >$f; done",
        "the volume is gone": f"rm -rf {laboratory.directory}/data/volumes",
        "the locks are gone": f"rm -rf {laboratory.directory}/run/locks",
        "the cache is nonsense": f"find {laboratory.directory}/data -path '*cache*' -type f | while read f; do echo nonsense >$f; done",
        "state is for all to read": f"chmod -R 0777 {laboratory.directory}/run",
        "the neighbours are forgotten": "ip neigh flush all",
    }
    repaired = 0
    for name, command in cases.items():
        bar.stack("up", "-d", "--wait")
        if ask() is None:
            bar.wrong(f"before \"{name}\" the server does not answer")
        pid = (pids(bar, "web") or ["0"])[0]
        parent = read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1:2]
        variables = f"PID={pid}; SHIM={parent[0] if parent else 0}; SUPERVISOR={bar.supervisor() or 0}; "
        run(variables + command)
        for looking in (["ps", "-a"], ["logs", "--tail", "1"], ["inspect", "web"]):
            status, text = laboratory.run(*looking)
            if status not in (0, 1):
                bar.wrong(f"{name}: {looking[0]}: {status}: {text.strip()[-200:]}")
        status, text = laboratory.run("up", "-d", "--wait")
        if status != 0 or ask() is None:
            # Once more: what was found out by the first may be what the second repairs. It counts as not repaired.
            bar.wrong(f"{name}: not repaired by `up` ({status}): {text.strip()[-200:]}")
            laboratory.run("down", "-v", "-t", "0")
            for left in bar.processes("stack shim") + bar.processes("httpd\0-f"):
                os.kill(left, signal.SIGKILL)
        else:
            repaired += 1
    bar.stack("down", "-v", "-t", "0")
    bar.figures |= {"cases": len(cases), "repaired": repaired}


def upgrade(bar):
    """Another file of the program takes over: nothing that runs is started again."""
    old = bar.options.old or bar.options.stack
    copy = f"{bar.laboratory.directory}/newer"
    shutil.copy(bar.options.stack, copy)
    bar.laboratory.stack = old
    bar.stack("up", "-d")
    before = pids(bar, "s0", "s1", "s2")
    bar.laboratory.stack = copy
    rounds = bar.times(10)
    for _ in range(rounds):
        bar.kill_supervisor()
        bar.stack("up", "-d")
        if pids(bar, "s0", "s1", "s2") != before:
            bar.wrong("a container was started again")
        bar.stack("exec", "-T", "s1", "true")
    for pid in set(before):
        os.kill(int(pid), 9)
    bar.wait("the newer one starts them again", lambda: bar.laboratory.running() == 3 and set(pids(bar, "s0", "s1", "s2")).isdisjoint(before))
    bar.laboratory.stack = bar.options.stack
    bar.figures |= {"take-overs": rounds, "restarts": 0}


def bounds(bar):
    """A hundred containers: `ps` and `down` are fast."""
    up = bar.stack("up", "-d")
    times = [bar.stack("ps") for _ in range(bar.times(20))]
    down = bar.stack("down")
    if statistics.median(times) > 0.05:
        bar.wrong(f"`ps` takes {statistics.median(times) * 1000:.1f} ms")
    if down > 10:
        bar.wrong(f"`down` takes {down:.1f} s")
    bar.figures |= {"containers": 100, "s up": round(up, 2), "ms ps": round(statistics.median(times) * 1000, 1), "s down": round(down, 2)}


def volume(bar):
    """A service that writes as fast as it can does not keep another's `exec` waiting, and its log stays in its bounds."""
    bar.stack("up", "-d", "calm")
    count = bar.times(100)
    calm = statistics.median(bar.stack("exec", "-T", "calm", "true") for _ in range(count))
    bar.stack("up", "-d")
    seconds = 60 * min(1, bar.options.scale)
    ended, times = time.monotonic() + seconds, []
    while time.monotonic() < ended:
        times.append(bar.stack("exec", "-T", "calm", "true"))
        time.sleep(0.05)
    slow = percentile(times, 0.99)
    size = int(run(f"du -sb {bar.laboratory.directory}/data/logs | cut -f1"))
    if slow > calm + 0.1:
        bar.wrong(f"`exec` takes {slow * 1000:.1f} ms, without the other {calm * 1000:.1f} ms")
    if size > (3 << 20) + (2 << 20):
        bar.wrong(f"the log has {size} bytes, where 3 files of 1 MB are allowed")
    written = sum(int(text) for text in re.findall(r"^wchar: (\d+)", "".join(read(f"/proc/{pid}/io") for pid in pids(bar, "loud")), re.M))
    bar.figures |= {"s": round(seconds), "MB a second": round(written / seconds / 1e6), "ms exec": round(calm * 1000, 1),
                    "ms p99": round(slow * 1000, 1), "bytes kept": size}


def clock(bar):
    """The time of day jumps by a day, and back: timers go on, and what is shown stays true. Only in a virtual machine."""
    if "stack.job=" not in read("/proc/cmdline"):
        return bar.figures.update({"skipped, for it changes the machine's clock: scripts/vm/run.sh": 1})
    bar.stack("up", "-d", "--wait")
    jumps = 0
    for offset in (86400, -86400, -86400, 86400):
        before = pids(bar, "s0")
        time.clock_settime(time.CLOCK_REALTIME, time.time() + offset)
        jumps += 1
        os.kill(int(before[0]), 9)
        bar.wait("it runs again", lambda: bar.laboratory.running() == 1 and pids(bar, "s0") not in ([], before), 40)
        bar.wait("its check goes on", lambda: "healthy" in bar.output("ps"), 40)
        begin = time.monotonic()
        bar.stack("restart", "-t", "1", "s0")
        if time.monotonic() - begin > 20:
            bar.wrong("a stop with a limit of a second takes longer than 20")
    return bar.figures.update({"jumps": jumps})


LIMITS = ", mem_limit: 64m, pids_limit: 64"
BOMBS = {
    "forks": service("forks", "f() { f | f & }; f; sleep 1000", LIMITS),
    "descriptors": service("descriptors", "i=3; while [ $i -lt 1000 ]; do eval \"exec $i</dev/null\" || break; i=$((i+1)); done; sleep 1000", LIMITS),
    "memory": service("memory", "while :; do dd if=/dev/zero of=/dev/null bs=128M count=1; done", LIMITS + ", memswap_limit: 64m"),
    "files": service("files", "i=0; while :; do echo x >/tmp/$i; i=$((i+1)); done", LIMITS),
    "logs": service("logs", "while :; do echo 0123456789012345678901234567890123456789; done", LIMITS),
    "hogs": service("hogs", "for i in 1 2 3 4; do while :; do :; done & done; wait", LIMITS + ", cpus: 0.5"),
}
STUBBORN = {
    "deaf": service("deaf", "trap '' TERM INT HUP; while :; do sleep 1; done"),
    "halted": service("halted", "sleep 1000 & kill -STOP $!; kill -STOP $$; sleep 1000"),
    "frozen": service("frozen", "while :; do sleep 1; done"),
    "undead": service("undead", "while :; do true & sleep 0.01; done"),
    "daemons": service("daemons", "for i in 1 2 3 4 5; do (trap '' TERM; (sleep 1000 &) ; sleep 1000) & done; exec sleep 1000"),
    "traced": f"  traced: {{{SLEEP}, init: true}}\n",
}
NAMES = "  s{0}: {{rootfs: ./root, command: [sleep, '1000'], stop_grace_period: 1s, restart: always}}\n"
HARDSHIPS = {
    "oom": (oom, "services:\n  calm: {" + SLEEP + "}\n" + service(
        "hungry", "exec dd if=/dev/zero of=/dev/null bs=64M count=1", ", mem_limit: 16m, memswap_limit: 16m, restart: 'on-failure:2'")),
    "bombs": (bombs, "services:\n" + WEB + "".join(BOMBS.values())),
    "stubborn": (stubborn, "services:\n" + "".join(STUBBORN.values())),
    "sabotage": (sabotage, "services:\n" + WEB[:-2] + ", restart: always, volumes: ['data:/data']}\nvolumes: {data: {}}\n"),
    "upgrade": (upgrade, "services:\n" + "".join(NAMES.format(index) for index in range(3))),
    "bounds": (bounds, "services:\n" + "".join(f"  s{index}: {{{SLEEP}}}\n" for index in range(100))),
    "volume": (volume, "services:\n  calm: {" + SLEEP + "}\n" + service(
        "loud", "exec yes 0123456789012345678901234567890123456789012345678901234567890123456789",
        ", logging: {driver: json-file, options: {max-size: 1m, max-file: '3'}}")),
    "clock": (clock, "services:\n" + NAMES.format(0)[:-2] + ", healthcheck: {test: 'true', interval: 1s}}\n"),
}
