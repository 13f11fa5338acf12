"""What `stack` does is what it is said to do: against a model of the documented rules, and on kernels that lack calls.

Bars that `bars.py` runs; see there.
"""
import ctypes
import json
import os
import random
import re
import struct
import subprocess

from laboratory import read, system_calls

# Of `differential`: the same files each time.
SEED = 20
# Calls without which a kernel of 5.15 is none. An older one, or a filter around us, lacks them; each is answered by ENOSYS.
ABSENT = [
    "openat2", "clone3", "pidfd_open", "pidfd_send_signal", "pidfd_getfd", "close_range", "fsopen", "fsconfig", "fsmount", "fspick",
    "open_tree", "move_mount", "mount_setattr", "landlock_create_ruleset", "faccessat2", "memfd_create", "seccomp", "setns",
    "unshare", "pivot_root", "name_to_handle_at", "renameat2", "statx", "copy_file_range", "inotify_init1", "signalfd4",
]
# What a service sees of its own isolation, one line a fact.
INSIDE = (
    "busybox grep -E '^(Cap(Eff|Prm|Inh|Bnd|Amb)|NoNewPrivs|Seccomp|Seccomp_filters):' /proc/self/status;"
    "busybox cat /proc/self/uid_map | busybox tr -s ' ';"
    "for n in cgroup ipc mnt net pid user uts; do busybox readlink /proc/self/ns/$n; done;"
    "busybox ls /; busybox wc -c </proc/kcore; busybox ls /proc/acpi /sys/firmware 2>&1 | busybox wc -l;"
    "(echo 1 >/proc/sys/kernel/panic) 2>&1; (busybox mount -t tmpfs t /tmp) 2>&1; busybox ls /dev"
)


def random_stack(choice):
    """A stack file, and what the rules say of it: who starts, the jobs' exit codes, and whether `up` succeeds."""
    services, text = {}, ""
    for index in range(choice.randint(2, 6)):
        name = f"s{index}"
        job = choice.random() < 0.4
        code = choice.choice([0, 0, 0, 7]) if job else None
        checked = not job and choice.random() < 0.5
        needs = {}
        for other, known in services.items():
            if choice.random() > 0.5:
                continue
            conditions = ["service_started"] + (["service_completed_successfully"] if known["job"] else [])
            conditions += ["service_healthy"] if known["checked"] else []
            needs[other] = choice.choice(conditions)
        services[name] = {"job": job, "code": code, "checked": checked, "needs": needs}
        command = f"sh -c 'exit {code}'" if job else "sleep 1000"
        text += f"  {name}:\n    rootfs: ./root\n    command: {command}\n    stop_grace_period: 1s\n"
        text += "    ready: {file: /etc}\n" if checked else ""
        if needs:
            text += "    depends_on:\n" + "".join(f"      {other}: {{condition: {what}}}\n" for other, what in needs.items())
    for service in services.values():
        def holds(other, condition):
            known = services[other]
            return known["starts"] and (condition != "service_completed_successfully" or known["code"] == 0)
        # In the order in which they were made: each needs earlier ones only.
        service["starts"] = all(holds(*need) for need in service["needs"].items())
    return "services:\n" + text, services


def differential(bar):
    """Random stacks do what a model of the rules, which is no part of the program, says: order, conditions, exit codes."""
    choice, laboratory = random.Random(SEED), bar.laboratory
    file, count = f"{laboratory.directory}/stack.yaml", bar.times(100)
    failing = 0
    for number in range(count):
        text, services = random_stack(choice)
        with open(file, "w") as opened:
            opened.write(f"name: {laboratory.project}\n{text}")

        def wrong(what, number=number, text=text):
            bar.wrong(f"file {number}: {what}\n{text}")

        once = bar.output("config")
        with open(f"{laboratory.directory}/again.yaml", "w") as opened:
            opened.write(once)
        if bar.output("-f", "again.yaml", "config") != once:
            wrong("`config` of what `config` prints is another")
        succeeds = all(service["starts"] for service in services.values())
        failing += not succeeds
        status, said = laboratory.run("--progress", "json", "up", "-d", "--keep")
        if status != (0 if succeeds else 1):
            wrong(f"`up` ends with {status}: {said[-300:]}")
        check_order(services, said, wrong)
        shown = json.loads("[" + ",".join(bar.output("ps", "-a", "--format", "json").strip().splitlines()) + "]")
        found = {entry["Service"]: entry for entry in shown if entry["State"] != "created"}
        expected = {name for name, service in services.items() if service["starts"]}
        if set(found) != expected:
            wrong(f"{sorted(found)} were started, not {sorted(expected)}")
        for name in expected & set(found):
            code = services[name]["code"]
            if services[name]["job"]:
                bar.wait(f"{name} ends", lambda name=name: ended(bar, name) is not None)
                if ended(bar, name) != code:
                    wrong(f"{name} ends with {ended(bar, name)}, not {code}")
            elif found[name]["State"] != "running":
                wrong(f"{name} is {found[name]['State']}")
        bar.stack("down", "-v", "-t", "0")
        if left := laboratory.settled():
            wrong(f"left: {left[:3]}")
    bar.figures |= {"files": count, "of them failing by their rules": failing}


def ended(bar, name):
    for line in bar.output("ps", "-a", "--format", "json").strip().splitlines():
        entry = json.loads(line)
        if entry["Service"] == name and entry["State"] == "exited":
            return entry["ExitCode"]
    return None


def check_order(services, said, wrong):
    """Nobody was being started before what it needs was as it needs it."""
    events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    times = {}
    for place, event in enumerate(events):
        match = re.search(r"-(s\d+)-1$", event.get("id", ""))
        if match:
            times.setdefault((match[1], event.get("status", event.get("text", "")).lower()), place)
    for name, service in services.items():
        begun = times.get((name, "starting"))
        if begun is None:
            continue
        for other, condition in service["needs"].items():
            state = {"service_started": "started", "service_healthy": "healthy"}.get(condition, "completed")
            place = times.get((other, state))
            if place is None or place > begun:
                wrong(f"{name} is being started before {other} is {state}: {times}")


def without_call(number):
    """Installs a seccomp filter that answers one call by ENOSYS, here and in all that is executed (seccomp(2))."""
    def instruction(code, true, false, value):
        return struct.pack("HBBI", code, true, false, value)

    # Load the number; is it this one? Then ENOSYS, else allowed.
    program = instruction(0x20, 0, 0, 0) + instruction(0x15, 0, 1, number)
    program += instruction(0x06, 0, 0, 0x00050000 | 38) + instruction(0x06, 0, 0, 0x7FFF0000)
    held = ctypes.create_string_buffer(program)
    descriptor = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(held)))
    # prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, …)
    if ctypes.CDLL(None).prctl(22, 2, ctypes.c_void_p(ctypes.addressof(descriptor)), 0, 0) != 0:
        os._exit(99)


def isolation(bar):
    """What the service says of itself, without what differs from run to run."""
    text = bar.output("exec", "-T", "s0", "sh", "-c", INSIDE)
    own = {os.readlink(f"/proc/self/ns/{name}") for name in "cgroup ipc mnt net pid user uts".split()}

    def plain(line):
        if re.match(r"\w+:\[\d+\]", line):
            return f"{line.partition(':')[0]} {'the machine’s' if line in own else 'its own'}"
        return line

    return [plain(line) for line in text.splitlines()]


def absent(bar):
    """A kernel that lacks a call: the stack comes up as isolated as ever, or it is said clearly and nothing is left."""
    numbers, laboratory = system_calls(), bar.laboratory
    bar.stack("up", "-d")
    whole = isolation(bar)
    bar.stack("down", "-v", "-t", "0")
    names = ABSENT[:max(3, round(len(ABSENT) * min(1, bar.options.scale)))]
    worked, refused = [], []
    for name in names:
        process = bar.start("up", "-d", preexec_fn=lambda name=name: without_call(numbers[name]))
        try:
            error = process.communicate(timeout=10)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            bar.wrong(f"without {name}: hangs")
            bar.stack("down", "-v", "-t", "0")
            continue
        if process.returncode == 0:
            worked.append(name)
            if (found := isolation(bar)) != whole:
                differing = [f"{old!r} became {new!r}" for old, new in zip(whole, found) if old != new]
                bar.wrong(f"without {name} it is isolated otherwise: {differing[:4] or (len(whole), len(found))}")
            bar.stack("down", "-v", "-t", "0")
        else:
            refused.append(name)
            if process.returncode < 0 or "unction not implemented" not in error and name not in error:
                bar.wrong(f"without {name}: {process.returncode}: {error.strip()[-300:]}")
        if left := laboratory.settled():
            bar.wrong(f"without {name}: left: {left[:3]}")
            bar.stack("down", "-v", "-t", "0")
    bar.figures |= {"calls": len(names), "not needed": len(worked), f"refused ({' '.join(refused)})": len(refused)}


CONDITIONS = {
    "differential": (differential, "services:\n  s0: {rootfs: ./root, command: [sleep, '1000'], stop_grace_period: 1s}\n"),
    "absent": (absent, "services:\n  s0: {rootfs: ./root, command: [sleep, '1000'], stop_grace_period: 1s, volumes: ['data:/data']}\n"
               "volumes: {data: {}}\n"),
}
