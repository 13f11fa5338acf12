import JSONDocument
import LinuxCapabilities
import LinuxSeccomp
import LinuxSystem

extension Verb {
  /// What this runtime can do (features.md of the runtime specification).
  static let features = Verb(usage: "", options: .init()) { arguments, context in
    let namespaces = ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"]
    let enabled: (Bool) -> JSON = { .record(["enabled": .bool($0)]) }
    let seccomp: JSON = .record([
      "enabled": .bool(true),
      "actions": .strings([
        "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
        "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
      ]),
      "operators": .strings([
        "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE",
      ]),
      "archs": .strings(SeccompArchitecture.profileNames),
      "knownFlags": .strings(filterFlags), "supportedFlags": .strings(filterFlags),
    ])
    let cgroup: JSON = .record([
      "v1": .bool(true), "v2": .bool(true), "systemd": .bool(false), "systemdUser": .bool(false), "rdma": .bool(true),
    ])
    let linux: JSON = .record([
      "namespaces": .strings(namespaces), "capabilities": .strings(try CapabilitySet.allOfKernel().members),
      "cgroup": cgroup, "seccomp": seccomp, "apparmor": enabled(true), "selinux": enabled(true),
      "intelRdt": enabled(false), "mountExtensions": .record(["idmap": enabled(true)]), "netDevices": enabled(true),
    ])
    let document: JSON = .record([
      "ociVersionMin": .string("1.0.0"), "ociVersionMax": .string(ContainerRecord.specificationVersion),
      "hooks": .strings([
        "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
      ]),
      "mountOptions": .strings(MountReading.optionNames), "linux": linux,
      "annotations": .record([:]), "potentiallyUnsafeConfigAnnotations": .array([]),
    ])
    Output.write(document.text(indent: true) + "\n")
    return 0
  }

  private static let filterFlags = [
    "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
  ]

  /// A configuration to begin with.
  static let spec = Verb(
    usage: "", options: .init(flags: ["rootless"], valued: ["bundle"], letters: ["b": "bundle"])
  ) { arguments, context in
    let path = "\(Paths.absolute(arguments.value("bundle") ?? "."))/config.json"
    guard !Files.exists(path) else { throw OCIError("\(path) exists: it is not overwritten") }
    let document = SampleConfiguration.document(isRootless: arguments.has("rootless"))
    try Files.replace(path, with: (document.text(indent: true) + "\n").utf8, mode: 0o644)
    return 0
  }
}
