#!/bin/bash
# A stack below systemd: for the virtual machine, `sudo scripts/vm/run.sh scripts/vm/systemd.sh`.
#
# systemd is the first process of a PID namespace, with the machine's cgroups; what it runs brings a stack up, looks at what
# systemd says of it, and takes it down. Ends with 0 when all is as it should be.
set -u
stack=${STACK_BINARY:-$(sed -n 's/.*\bstack\.repository=\([^ ]*\).*/\1/p' /proc/cmdline)/.build/debug/stack}
units=$(mktemp -d /tmp/units.XXXXXX)
cat >"$units/job" <<'JOB'
#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin STACK_RUN_DIR=/tmp/systemd-lab/state STACK_DATA_DIR=/tmp/systemd-lab/data
failed=0
wrong() { echo "wrong: $*"; failed=1; }
check() { if eval "$2"; then echo "right: $1"; else wrong "$1"; fi; }
mkdir -p /tmp/systemd-lab/root/{bin,proc,sys,dev,etc,tmp} && cd /tmp/systemd-lab || exit 1
cp /bin/busybox root/bin/ && ln -sf busybox root/bin/sleep
cat >stack.yaml <<YAML
name: lab
services:
  a: {rootfs: ./root, command: [sleep, '1000'], mem_limit: 64m, restart: always, stop_grace_period: 1s}
  b: {rootfs: ./root, command: [sleep, '1000'], stop_grace_period: 1s}
YAML
scope=/sys/fs/cgroup/system.slice/stack-lab.scope
property() { systemctl show -p "$1" --value stack-lab.scope; }
pid() { "$STACK" inspect "$1" | sed -n 's/.*"Pid": \([0-9]*\).*/\1/p' | head -n 1; }
gone() { for _ in $(seq 100); do [ -e "$scope" ] || return 0; sleep 0.1; done; return 1; }

"$STACK" up -d || { echo "wrong: up: $?"; exit 1; }
check "the scope is there" '[ "$(property ActiveState)" = active ]'
check "it is delegated" '[ "$(property Delegate)" = yes ]'
check "containers are in it" '[ -d $scope/lab-a-1 ] && grep -q stack-lab.scope/lab-a-1 /proc/$(pid a)/cgroup'
check "limits hold" '[ "$(cat $scope/lab-a-1/memory.max)" = 67108864 ]'
check "shims are in it" '[ "$(wc -l <$scope/.engine/cgroup.procs)" -ge 2 ]'
check "nothing else was made" '[ ! -e /sys/fs/cgroup/stack ]'
# What systemd does to its own groups at such a moment does not touch what is delegated.
systemctl daemon-reload
check "a reload leaves it" '[ -n "$(pid a)" ] && [ "$(cat $scope/lab-a-1/memory.max)" = 67108864 ]'
old=$(pid a)
kill -9 "$old"
for _ in $(seq 30); do new=$(pid a); [ -n "$new" ] && [ "$new" != "$old" ] && [ -d "/proc/$new" ] && break; sleep 0.1; done
check "what is restarted is in it too" 'grep -q stack-lab.scope/lab-a-1 /proc/$new/cgroup'
"$STACK" stop b || wrong "stop: $?"
"$STACK" up -d || wrong "up again: $?"
check "so is what is started later" 'grep -q stack-lab.scope/lab-b-1 /proc/$(pid b)/cgroup'
"$STACK" down || wrong "down: $?"
check "the scope goes with the stack" gone
check "systemd has forgotten it" '[ "$(systemctl show -p LoadState --value stack-lab.scope)" != loaded ] || [ "$(property ActiveState)" = inactive ]'
# All leave, and the next one comes, at once.
for round in $(seq 20); do
  "$STACK" up -d && "$STACK" down || wrong "round $round"
done
"$STACK" up -d || wrong "up: $?"
systemctl stop stack-lab.scope
check "systemd can stop it" gone
check "and the stack knows" '! "$STACK" ps | grep -q running'
"$STACK" down || wrong "down: $?"
echo "$failed" >"$UNITS/result"
JOB
chmod +x "$units/job"
cat >"$units/job.service" <<UNIT
[Unit]
DefaultDependencies=no
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
Environment=STACK=$stack UNITS=$units
ExecStart=$units/job
StandardOutput=file:$units/output
StandardError=file:$units/output
TimeoutStartSec=infinity
UNIT
# Where units are that were made while it runs, too: a reload reads them again.
export SYSTEMD_UNIT_PATH="$units:/run/systemd/transient:/lib/systemd/system" container=lab
systemd=$(ls /lib/systemd/systemd /usr/lib/systemd/systemd 2>/dev/null | head -n 1)
[ -n "$systemd" ] || { echo "systemd is not installed: nothing is tried"; exit 0; }
# Whoever runs the virtual machine has the limit of time: its own clock may be fast.
unshare --pid --fork --kill-child --mount --propagation private bash -c '
  mount -t proc proc /proc
  mount -t tmpfs tmpfs /run
  exec "$0" --unit=job.service --log-target=null --show-status=no' "$systemd" </dev/null
cat "$units/output"
[ "$(cat "$units/result" 2>/dev/null)" = 0 ]
