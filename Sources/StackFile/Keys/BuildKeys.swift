extension KeyTable {
  static let build = KeyTable(
    "build",
    [
      Key("context", .text, "The directory, or an address that the builder understands"),
      Key("dockerfile", .text, "The file in the context; without it, Dockerfile"),
      Key("dockerfile_inline", .text, "The text of the file"),
      Key("args", .pairs, "Variables of the build"),
      Key("target", .text, "The stage to build"),
      Key("additional_contexts", .labels, "Further contexts by name"),
      Key("cache_from", .strings, "Where the builder looks for layers"),
      Key("cache_to", .strings, "Where the builder keeps layers"),
      Key("no_cache", .boolean, "Builds everything anew"),
      Key("no_cache_filter", .stringOrList, "Stages to build anew"),
      Key("pull", .boolean, "Looks for newer base images"),
      Key("platforms", .strings, "Platforms to build for"),
      Key("tags", .strings, "Further names of the image", merge: .unique(.name)),
      Key("labels", .labels, "Labels of the image"),
      Key("secrets", .fileGrants, "Secrets that the build sees"),
      Key("ssh", .form(.keys, .either([.list(.text), .dictionary(.value, .any)])), "Keys that the build may use"),
      Key("network", .text, "The network of the build"),
      Key("extra_hosts", .extraHosts, "HOST=ADDRESS for the build", merge: .unique(.value)),
      Key("shm_size", .bytes(allowsUnlimited: false), "The size of /dev/shm in the build"),
      Key(
        "ulimits", .dictionary(.either([.integer(-1 ... .max), .record(.ulimit)]), .limit), "Limits of the build"),
      Key("privileged", .boolean, "All capabilities in the build"),
      Key("entitlements", .strings, "What the build may do beyond the usual"),
      Key("isolation", .text, "The isolation of Windows"),
      Key("provenance", .textOrBoolean, "Whether to attest how the image was made"),
      Key("sbom", .textOrBoolean, "Whether to attest what the image contains"),
    ])

  static let develop = KeyTable("develop", [Key("watch", .list(.record(.watch)), "Directories to watch")])

  static let watch = KeyTable(
    "watch",
    [
      Key("path", .name, "The directory or file", required: true),
      Key(
        "action", .choice(["rebuild", "sync", "restart", "sync+restart", "sync+exec"]), "What to do on a change",
        required: true),
      Key("target", .text, "Where it is in the container"),
      Key("ignore", .stringOrList, "Patterns of paths that do not count"),
      Key("include", .stringOrList, "Patterns of paths that alone count"),
      Key("exec", .record(.hook), "What sync+exec runs"),
      Key("initial_sync", .boolean, "Whether to copy everything first"),
    ])

  static let extends = KeyTable(
    "extends", isOpen: true,
    [
      Key("service", .text, "The service", required: true),
      Key("file", .text, "The file that has it; without it, this one"),
    ])
}
