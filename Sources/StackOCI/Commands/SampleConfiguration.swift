import Glibc
import JSONDocument
import LinuxCgroup

/// What `spec` writes: a shell in a container with the usual file systems, namespaces and restrictions.
enum SampleConfiguration {
  static func document(isRootless: Bool) -> JSON {
    let capabilities = JSON.strings(["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"])
    let limit: JSON = .record(["type": .string("RLIMIT_NOFILE"), "hard": .integer(1024), "soft": .integer(1024)])
    let process: JSON = .record([
      "terminal": .bool(true), "user": .record(["uid": .integer(0), "gid": .integer(0)]),
      "args": .strings(["sh"]),
      "env": .strings(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"]),
      "cwd": .string("/"),
      "capabilities": .record([
        "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
      ]),
      "rlimits": .array([limit]), "noNewPrivileges": .bool(true),
    ])
    return .record([
      "ociVersion": .string(ContainerRecord.specificationVersion), "process": process,
      "root": .record(["path": .string("rootfs"), "readonly": .bool(true)]), "hostname": .string("stack-oci"),
      "mounts": .array(mounts(isRootless: isRootless)), "linux": linux(isRootless: isRootless),
    ])
  }

  private static func mounts(isRootless: Bool) -> [JSON] {
    func mount(_ target: String, _ type: String, _ source: String, _ options: [String]) -> JSON {
      .record([
        "destination": .string(target), "type": .string(type), "source": .string(source),
        "options": options.isEmpty ? nil : .strings(options),
      ])
    }
    let closed = ["nosuid", "noexec", "nodev"]
    let terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    return [
      mount("/proc", "proc", "proc", []),
      mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
      // Without a mapping for it the group of terminals cannot be named.
      mount("/dev/pts", "devpts", "devpts", isRootless ? terminals : terminals + ["gid=5"]),
      mount("/dev/shm", "tmpfs", "shm", closed + ["mode=1777", "size=65536k"]),
      mount("/dev/mqueue", "mqueue", "mqueue", closed),
      isRootless
        ? mount("/sys", "none", "/sys", ["rbind", "nosuid", "noexec", "nodev", "ro"])
        : mount("/sys", "sysfs", "sysfs", closed + ["ro"]),
      mount("/sys/fs/cgroup", "cgroup", "cgroup", closed + ["relatime", "ro"]),
    ]
  }

  private static func linux(isRootless: Bool) -> JSON {
    // On version 1 a container sees its groups by their places in the hierarchies, unless it asks for more.
    let hasVersion1 = (try? CgroupHierarchy.current()).map { !$0.legacy.isEmpty } ?? false
    let kinds =
      ["pid", "ipc", "uts", "mount"] + (hasVersion1 ? [] : ["cgroup"]) + (isRootless ? ["user"] : ["network"])
    func mapping(_ id: UInt32) -> JSON {
      .array([.record(["containerID": .integer(0), "hostID": .integer(id), "size": .integer(1)])])
    }
    let denied: JSON = .array([.record(["allow": .bool(false), "access": .string("rwm")])])
    return .record([
      "uidMappings": isRootless ? mapping(getuid()) : nil, "gidMappings": isRootless ? mapping(getgid()) : nil,
      "resources": isRootless ? nil : .record(["devices": denied]),
      "namespaces": .array(kinds.map { .record(["type": .string($0)]) }),
      "maskedPaths": .strings([
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
        "/sys/devices/virtual/powercap", "/sys/firmware",
      ]),
      "readonlyPaths": .strings(["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]),
    ])
  }
}
