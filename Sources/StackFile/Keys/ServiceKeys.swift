extension KeyTable {
  /// The keys of a service: those of the Compose Specification, and `rootfs`, `seccomp` and `ready`, which are ours.
  static let service = KeyTable(
    "service", isNamed: true,
    rootKeys + processKeys + fileKeys + networkKeys + securityKeys + limitKeys + lifeKeys + otherKeys)

  private static let rootKeys = [
    Key("image", .text, "What to run: the name of an image in the store"),
    Key(
      "rootfs", .text,
      "What to run without the image store: a directory, a tar archive, or host for an overlay over the machine's own root"
    ),
    Key("build", .form(.build, .either([.text, .record(.build)])), .inert, "How to build the image"),
    Key(
      "pull_policy", .form(.pullPolicy, .text),
      "missing, never: the image is that of the store; always, build, daily, weekly, every_TIME are accepted, not acted on yet"
    ),
    Key("pull_refresh_after", .text, .inert, "When to look for a newer image"),
    Key("platform", .text, "os/arch[/variant] that the image must be for; it must be the machine's"),
  ]

  private static let processKeys = [
    Key(
      "command", .commandLine, "Arguments, or the whole command line without an entrypoint; null keeps the image's",
      merge: .replace, keepsZero: true),
    Key(
      "entrypoint", .commandLine, "The program; not null also drops the image's command", merge: .replace,
      keepsZero: true),
    Key("environment", .pairs, "Variables; a name without a value takes the value of the caller's environment"),
    Key(
      "env_file", .environmentFiles, "Files with variables; environment wins over them, later ones over earlier ones",
      merge: .unique(.member("path"))),
    Key("working_dir", .text, "The directory in which the process starts"),
    Key("user", .text, "user or uid, with :group or :gid"),
    Key(
      "group_add", .list(.textOrNumber), "Further groups of the process, names or numbers", merge: .distinct),
    Key("hostname", .text, "The host name; without it, a part of the container's id"),
    Key("domainname", .text, "The domain name: of setdomainname(2), and after the host name in /etc/hosts"),
    Key("container_name", .name, "The container's name; without it, <project>-<service>-1"),
    Key("tty", .boolean, "Gives the process a terminal"),
    Key("stdin_open", .boolean, "Keeps the standard input open, for attach"),
    Key(
      "init", .boolean, "Runs a small init as PID 1 that forwards signals and reaps processes", keepsZero: true),
  ]

  private static let fileKeys = [
    Key(
      "volumes", .volumes, "Directories, named and anonymous volumes, and tmpfs in the container",
      merge: .unique(.member("target"))),
    Key(
      "tmpfs", .stringOrList, "PATH[:size=64m,mode=1777,uid=0,gid=0,nr_inodes=N,ro,exec,suid,dev], each a tmpfs",
      merge: .unique(.name)),
    Key("read_only", .boolean, "Makes the root file system read-only"),
    Key("shm_size", .bytes(allowsUnlimited: false), "The size of /dev/shm; without it, 64m"),
    Key("devices", .devices, "HOST[:CONTAINER[:rwm]]", merge: .unique(.member("target"))),
    Key("volumes_from", .strings, "SERVICE[:ro], whose volumes this service has too", merge: .distinct),
    Key(
      "secrets", .fileGrants, "Secrets of the stack that the service sees, below /run/secrets, with uid, gid and mode",
      merge: .unique(.mountPoint("/run/secrets"))),
    Key(
      "configs", .fileGrants, "Settings of the stack that the service sees, below /, with uid, gid and mode",
      merge: .unique(.mountPoint(""))),
    Key("storage_opt", .options, .never("layers are directories of the machine"), "Options of the storage driver"),
  ]

  private static let networkKeys = [
    Key(
      "ports", .ports, "[[IP:]HOST[-END]:]PORT[-END][/tcp|udp]; host port 0, or none, lets the kernel choose",
      merge: .unique(.port)),
    Key(
      "expose", .list(.textOrNumber),
      "PORT[-END][/tcp|udp], which ps shows; services of a network reach all ports of each other anyway",
      merge: .unique(.value)),
    Key("networks", .attachments, "The networks to join; without it, default"),
    Key("network_mode", .text, "none, host, bridge, or service:NAME to share that service's network"),
    Key(
      "extra_hosts", .extraHosts, "HOST=ADDRESS for /etc/hosts; the address may be host-gateway", merge: .unique(.value)
    ),
    Key(
      "dns", .form(.oneOrManyOrNone, .either([.text, .list(.text)])), "Name servers", merge: .unique(.name)),
    Key("dns_search", .stringOrList, "Search domains", merge: .unique(.name)),
    Key("dns_opt", .form(.many, .list(.text)), "Options of the resolver", merge: .unique(.name)),
    Key(
      "links", .strings, "SERVICE[:ALIAS]: waits for it, and adds the alias to its names on common networks",
      merge: .unique(.name)),
    Key(
      "external_links", .strings, .never("join the other container's network instead"),
      "Containers of elsewhere, under other names", merge: .distinct),
    Key("mac_address", .text, "The hardware address on its first network"),
  ]

  private static let securityKeys = [
    Key("privileged", .boolean, "All capabilities, all devices, no filter"),
    Key(
      "cap_add", .strings, "Capabilities beyond the default set, with or without CAP_; ALL is all",
      merge: .unique(.name)),
    Key("cap_drop", .strings, "Capabilities that are taken away; ALL is all", merge: .unique(.name)),
    Key(
      "security_opt", .strings,
      "no-new-privileges, seccomp=unconfined, seccomp=FILE; apparmor and label are accepted, not acted on yet",
      merge: .distinct),
    Key("seccomp", .text, "default, unconfined, or the path of a profile in Docker's or OCI's JSON form"),
    Key("userns_mode", .text, "auto, the default; host, private, or UID:GID:SIZE"),
    Key("sysctls", .labels, "Kernel settings of the container's namespaces"),
    Key("pid", .nullable(.text), "The PID namespace to share: host or service:NAME"),
    Key(
      "ipc", .text,
      "The IPC namespace to share: host or service:NAME; private and shareable are one of its own, none one without /dev/shm"
    ),
    Key("uts", .text, "host: the machine's host name"),
    Key("cgroup", .choice(["host", "private"]), "host: the machine's cgroups are seen, not only its own"),
    Key("credential_spec", .record(.credentialSpec), .never("it is of Windows"), "Accounts of Windows"),
    Key("isolation", .text, .never("it is of Windows"), "The isolation of Windows"),
    Key(
      "use_api_socket", .boolean, .never("there is no daemon whose socket could be given"), "The engine's socket"),
  ]

  private static let realTime = Support.never("kernels of distributions are built without real-time groups")

  private static let limitKeys = [
    Key("mem_limit", .bytes(allowsUnlimited: true), "Memory; -1 is no limit"),
    Key("memswap_limit", .bytes(allowsUnlimited: true), "Memory and swap together; -1 is no limit"),
    Key("cpus", .number, "Processors' worth of time, for example 0.5"),
    Key("cpu_shares", .truncated, "Weight against other containers; 1024 is usual"),
    Key("cpuset", .text, "The processors to run on, for example 0-2,4"),
    Key("pids_limit", .integer(-1 ... .max, dropsFraction: true), "Processes and threads; -1 is no limit"),
    Key(
      "ulimits", .dictionary(.either([.integer(-1 ... .max), .record(.ulimit)]), .limit),
      "Limits of setrlimit(2): a number, or soft and hard; -1 is no limit"),
    Key("oom_score_adj", .integer(-1000...1000), "How likely the kernel kills it when memory runs out"),
    Key("deploy", .nullable(.record(.deploy)), "Of it, resources, replicas and restart_policy are acted on"),
    Key("scale", .count, "The number of containers", keepsZero: true),
    Key("mem_reservation", .bytes(allowsUnlimited: true), "Memory that the kernel leaves to it when memory runs short"),
    Key("mem_swappiness", .bytes(allowsUnlimited: true), "How readily it is swapped out, 0 to 100; cgroup v1 only"),
    Key("oom_kill_disable", .boolean, "Waits instead of being killed when its memory runs out; cgroup v1 only"),
    Key("cpu_quota", .truncated, "Microseconds of each period; wins over cpus"),
    Key("cpu_period", .truncated, "Microseconds, 1000 to 1000000; without it, 100000"),
    Key("cpu_rt_runtime", .truncated, realTime, "Real-time microseconds of each period"),
    Key("cpu_rt_period", .truncated, realTime, "Microseconds"),
    Key("cpu_count", .count, .never("it is of Windows"), "Processors of Windows"),
    Key("cpu_percent", .number, .never("it is of Windows"), "Processor time of Windows"),
    Key(
      "blkio_config", .record(.blockDevices), "Weights and limits of block devices; a weight needs the scheduler BFQ"),
    Key(
      "device_cgroup_rules", .strings, "KIND MAJOR:MINOR ACCESS: device nodes that may be used beside those of devices",
      merge: .distinct),
    Key(
      "cgroup_parent", .text, .never("the stack has a cgroup of its own, which is removed with it"),
      "The cgroup around the container's"),
    Key(
      "gpus", .either([.choice(["all"]), .list(.record(.deviceRequest))]), .inert, "Graphics processors: all, or these"),
  ]

  private static let lifeKeys = [
    Key("depends_on", .dependencies, "Services to wait for: a list, or a mapping with condition and required"),
    Key("restart", .text, "no, always, on-failure[:COUNT], or unless-stopped"),
    Key("stop_signal", .text, "The signal that asks the process to end; without it, the image's, or SIGTERM"),
    Key(
      "stop_grace_period", .duration, "The time between the stop signal and SIGKILL; without it, 10s", keepsZero: true),
    Key("healthcheck", .record(.healthcheck), "How to find out whether the service is healthy"),
    Key("ready", .record(.ready), "How to find out whether the service is ready, without a program in its image"),
    Key(
      "profiles", .strings, "The service is only part of the stack when one of these is asked for",
      merge: .unique(.name)),
    Key(
      "extends", .form(.extends, .either([.text, .record(.extends)])),
      "Another service, of this or another file, to take keys from"),
    Key(
      "pre_start", .list(.record(.initStep)),
      "Containers of their own, one after the other, that have to succeed before the service's starts"),
    Key("post_start", .list(.record(.hook)), "Commands to run in the container after its start"),
    Key("pre_stop", .list(.record(.hook)), "Commands to run in the container before it is stopped"),
    Key(
      "provider", .record(.provider), .never("run what it provides as a service"), "A program that provides the service"
    ),
    Key(
      "models", .form(.names, .either([.list(.text), .dictionary(.nullable(.record(.modelUse)), .resource)])),
      .never("run the model as a service"), "Language models that the service uses"),
  ]

  private static let otherKeys = [
    Key("labels", .labels, "Labels of the container"),
    Key("label_file", .stringOrList, "Files with labels; labels wins over them"),
    Key("annotations", .labels, .noEffect("nothing here reads them"), "Annotations of the container"),
    Key("attach", .boolean, "Whether up shows its output", keepsZero: true),
    Key("logging", .record(.logging), "Where the output goes", merge: .sameDriver),
    Key("develop", .nullable(.record(.develop)), .inert, "What to do when source files change"),
    Key("runtime", .text, .never("there is one engine"), "The program that runs the container"),
  ]
}
