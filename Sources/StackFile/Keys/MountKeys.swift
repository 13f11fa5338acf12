extension KeyTable {
  static let mount = KeyTable(
    "volume",
    [
      Key(
        "type", .choice(["bind", "volume", "tmpfs", "image", "npipe", "cluster"]), "bind, volume or tmpfs",
        required: true),
      Key("source", .text, "The path, or the key of the volume"),
      Key("target", .text, "The path in the container"),
      Key("read_only", .boolean, "Not writable"),
      Key("consistency", .text, .noEffect("files are shared directly"), "A hint for virtual machines"),
      Key("bind", .record(.mountBind), "For bind"),
      Key("volume", .record(.mountVolume), "For volume"),
      Key("tmpfs", .record(.mountTmpfs), "For tmpfs"),
      Key("image", .record(.mountImage), "For image"),
    ])

  static let mountBind = KeyTable(
    "bind",
    [
      Key("create_host_path", .boolean, "Makes a missing directory; without it, true"),
      Key(
        "propagation", .text,
        "Whether later mounts are seen on the other side: private, slave or shared, also for what is mounted below"),
      Key(
        "selinux", .choice(["z", "Z"]), .noEffect("labels of SELinux stay as they are"), "How SELinux labels the files"),
      Key(
        "recursive", .choice(["enabled", "disabled", "writable", "readonly"]),
        "Whether what is mounted below is there, and read-only too"),
    ])

  static let mountVolume = KeyTable(
    "volume options",
    [
      Key("nocopy", .boolean, "Does not copy the image's files into the empty volume"),
      Key("subpath", .text, "The part of the volume to mount, which must exist"),
      Key("labels", .labels, .inert, "Labels of the volume"),
    ])

  static let mountTmpfs = KeyTable(
    "tmpfs options",
    [
      Key("size", .bytes(allowsUnlimited: false, isNatural: true), "The most that it holds"),
      Key("mode", .fileMode(isText: false), "Permission bits"),
    ])

  static let mountImage = KeyTable("image options", [Key("subpath", .text, "A path in the image")])

  static let device = KeyTable(
    "device",
    [
      Key("source", .text, "The path on the machine", required: true),
      Key("target", .text, "The path in the container"),
      Key("permissions", .text, "Some of rwm"),
    ])

  static let environmentFile = KeyTable(
    "env_file",
    [
      Key("path", .text, "The file", required: true),
      Key("required", .boolean, "false allows that it is missing", keepsZero: true),
      Key("format", .choice(["raw", ""]), "raw takes values as they are written, with quotes and references"),
    ])

  static let fileGrant = KeyTable(
    "file",
    [
      Key("source", .text, "The key below secrets: or configs: of the stack"),
      Key("target", .text, "The path in the container"),
      Key("uid", .text, "The owner's number"),
      Key("gid", .text, "The group's number"),
      Key("mode", .fileMode(isText: true), "Permission bits", keepsZero: true),
    ])

  static let ulimit = KeyTable(
    "ulimit", isNamed: true,
    [
      Key("soft", .integer(-1 ... .max), "The limit that holds", required: true),
      Key("hard", .integer(-1 ... .max), "The limit up to which the process may raise it", required: true),
    ])
}

extension Shape {
  static let volumes = Shape.form(.volumes, .list(.either([.text, .record(.mount)])))
  static let devices = Shape.form(.devices, .list(.either([.text, .record(.device)])))
  static let environmentFiles = Shape.form(
    .environmentFiles, .either([.text, .list(.either([.text, .record(.environmentFile)]))]))
  static let fileGrants = Shape.form(.fileGrants, .list(.either([.text, .record(.fileGrant)])))
}
