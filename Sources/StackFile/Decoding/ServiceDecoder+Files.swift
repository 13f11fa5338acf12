import StackModel

extension ServiceDecoder {
  mutating func decodeFiles() {
    for (index, item) in (node["volumes"]?.items ?? []).enumerated() { decodeVolume(item, path("volumes[\(index)]")) }
    for (index, item) in (node["tmpfs"]?.items ?? []).enumerated() { decodeTmpfs(item, path("tmpfs[\(index)]")) }
    service.isReadOnly = flag("read_only")
    service.sharedMemorySize = node["shm_size"]?.text.flatMap(UInt64.init)
    for (index, item) in (node["devices"]?.items ?? []).enumerated() { decodeDevice(item, path("devices[\(index)]")) }
    service.secrets = grants("secrets", in: "/run/secrets")
    service.configs = grants("configs", in: "")
  }

  private mutating func decodeVolume(_ item: Node, _ path: String) {
    guard let type = item["type"]?.text else { return }
    guard let target = item["target"]?.text else {
      report.error(item.mark, path, "the volume needs target:", hint: "the path in the container")
      return
    }
    guard let source = source(of: item, type, path) else { return }
    add(Mount(source, target: target, isReadOnly: item["read_only"]?.text == "true"), item, path)
  }

  private func source(of item: Node, _ type: String, _ path: String) -> Mount.Source? {
    switch type {
    case "bind":
      guard let source = item["source"]?.text else {
        report.error(item.mark, path, "a volume of type bind needs source:", hint: "the path on the machine")
        return nil
      }
      return .bind(path: source, createMissing: item["bind"]?["create_host_path"]?.text == "true")
    case "tmpfs":
      let options = item["tmpfs"]
      return .tmpfs(
        size: options?["size"]?.text.flatMap(UInt64.init), mode: options?["mode"]?.text.flatMap { UInt32($0) },
        uid: nil, gid: nil)
    case "volume": return item["source"]?.text.map { .volume(key: $0) } ?? .anonymousVolume
    default:
      report.refusal(
        item["type"]?.mark ?? item.mark, path, "volumes of type \(type) are not supported yet",
        hint: "use bind, volume or tmpfs")
      return nil
    }
  }

  private mutating func add(_ mount: Mount, _ item: Node, _ path: String) {
    let mark = item.mark
    guard FilePath.isAbsolute(mount.target) else {
      if mount.target.utf8.dropFirst().first == UInt8(ascii: ":") {
        report.refusal(
          mark, path, "there is no volume \"\(mount.target.prefix(1))\" in this file",
          hint: "declare it at the top level, below volumes:; a path begins with / or ./")
        return
      }
      report.refusal(
        mark, path, "\"\(mount.target)\" must be an absolute path in the container", hint: "begin it with /")
      return
    }
    guard mount.target != "/" else {
      report.refusal(
        mark, path, "nothing can be mounted over the whole root", hint: "use rootfs: to run from a directory")
      return
    }
    guard knownTargets.insert(mount.target).inserted else {
      report.error(mark, path, "two mounts of this service have the target \(mount.target)", hint: "keep one of them")
      return
    }
    service.mounts.append(mount)
  }

  /// `PATH[:OPTION,…]` (tmpfs(5)).
  private mutating func decodeTmpfs(_ item: Node, _ path: String) {
    guard let text = item.text else { return }
    let (target, options) = Canonicalizer.split(text, at: UInt8(ascii: ":"))
    var size: UInt64?
    var mode: UInt32?
    var uid: UInt32?
    var gid: UInt32?
    var isReadOnly = false
    for option in (options ?? "").split(separator: ",") {
      let (name, value) = Canonicalizer.split(String(option), at: UInt8(ascii: "="))
      var isRight = true
      switch name {
      case "size":
        size = value.flatMap(ByteSize.parse)
        isRight = size != nil
      case "mode":
        mode = value.flatMap { UInt32($0, radix: 8) }
        isRight = mode.map { $0 <= 0o7777 } ?? false
      case "uid":
        uid = value.flatMap { UInt32($0) }
        isRight = uid != nil
      case "gid":
        gid = value.flatMap { UInt32($0) }
        isRight = gid != nil
      case "ro": isReadOnly = true
      case "rw", "nosuid", "nodev", "noexec": continue
      case "exec", "suid", "dev", "nr_inodes", "nr_blocks":
        report.inert(kind: "tmpfs \(name)", item.mark, path, "the option \(name) is accepted, but not acted on yet")
      default:
        report.refusal(
          item.mark, path, "unknown option \"\(name)\" in \"\(text)\"",
          hint: report.suggestion(for: name, among: ["size", "mode", "uid", "gid", "ro", "rw"])
            ?? "options are size, mode, uid, gid, ro and rw")
      }
      if !isRight {
        report.refusal(item.mark, path, "\"\(option)\" is not right", hint: "for example size=64m, mode=1777, uid=1000")
      }
    }
    let source = Mount.Source.tmpfs(size: size, mode: mode, uid: uid, gid: gid)
    add(Mount(source, target: FilePath.clean(target), isReadOnly: isReadOnly), item, path)
  }

  private mutating func decodeDevice(_ item: Node, _ path: String) {
    guard let source = item["source"]?.text else { return }
    let target = item["target"]?.text ?? source
    let permissions = item["permissions"]?.text ?? "rwm"
    let form = "the form is HOST[:CONTAINER[:rwm]], for example /dev/fuse"
    // `/dev/x:rw` leaves the container's path out, as docker's own command line does.
    let isShort = Canonicalizer.isPermissions(target) && target != source
    guard FilePath.isAbsolute(source), isShort || FilePath.isAbsolute(target) else {
      report.refusal(item.mark, path, "a device must be an absolute path, but this is \"\(source)\"", hint: form)
      return
    }
    guard Canonicalizer.isPermissions(permissions) else {
      report.refusal(item.mark, path, "\"\(permissions)\" is not some of rwm", hint: form)
      return
    }
    service.devices.append(
      DeviceMapping(source: source, target: isShort ? source : target, permissions: isShort ? target : permissions))
  }
}
