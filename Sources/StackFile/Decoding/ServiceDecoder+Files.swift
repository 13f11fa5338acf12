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
    var mount = Mount(source, target: target, isReadOnly: item["read_only"]?.text == "true")
    if let options = item["bind"] { take(options, into: &mount, path) }
    if let options = item["volume"] {
      if options["nocopy"]?.text == "true" { mount.keepsEmpty = true }
      takeSubpath(options["subpath"], into: &mount, path)
    }
    add(mount, item, path)
  }

  private func take(_ options: Node, into mount: inout Mount, _ path: String) {
    if let node = options["propagation"], let text = node.text, !text.isEmpty {
      // `rslave` says what is done anyway: also for the mounts below.
      mount.propagation = Mount.Propagation(rawValue: text.hasPrefix("r") ? String(text.dropFirst()) : text)
      if mount.propagation == nil {
        report.refusal(
          node.mark, path + ".bind.propagation", "there is no propagation \"\(text)\"",
          hint: report.suggestion(for: text, among: ["private", "slave", "shared"]) ?? "private, slave or shared")
      }
    }
    mount.below = options["recursive"]?.text.flatMap(Mount.Below.init)
  }

  private func takeSubpath(_ node: Node?, into mount: inout Mount, _ path: String) {
    guard let node, let text = node.text, !text.isEmpty else { return }
    let steps = text.split(separator: "/")
    if FilePath.isAbsolute(text) || steps.contains("..") || steps.isEmpty {
      report.refusal(
        node.mark, path + ".volume.subpath", "\"\(text)\" must be a path in the volume",
        hint: "for example data/current")
    }
    mount.subpath = text
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
        TmpfsOptions(
          size: options?["size"]?.text.flatMap(UInt64.init), mode: options?["mode"]?.text.flatMap { UInt32($0) }))
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
    let (target, list) = Canonicalizer.split(text, at: UInt8(ascii: ":"))
    var options = TmpfsOptions()
    var isReadOnly = false
    for option in (list ?? "").split(separator: ",") {
      let (name, value) = Canonicalizer.split(String(option), at: UInt8(ascii: "="))
      var isRight = true
      switch name {
      case "size":
        options.size = value.flatMap(ByteSize.parse)
        isRight = options.size != nil
      case "mode":
        options.mode = value.flatMap { UInt32($0, radix: 8) }
        isRight = options.mode.map { $0 <= 0o7777 } ?? false
      case "uid":
        options.uid = value.flatMap { UInt32($0) }
        isRight = options.uid != nil
      case "gid":
        options.gid = value.flatMap { UInt32($0) }
        isRight = options.gid != nil
      case "nr_inodes":
        options.inodes = value.flatMap(ByteSize.parse)
        isRight = options.inodes != nil
      case "ro": isReadOnly = true
      case "rw": isReadOnly = false
      case "exec", "suid", "dev": options.allowed = (options.allowed ?? []) + [name]
      case "noexec", "nosuid", "nodev": options.allowed?.removeAll { "no" + $0 == name }
      default:
        report.refusal(
          item.mark, path, "unknown option \"\(name)\" in \"\(text)\"",
          hint: report.suggestion(for: name, among: Self.tmpfsOptions)
            ?? "options are \(Self.tmpfsOptions.joined(separator: ", "))")
      }
      if !isRight {
        report.refusal(item.mark, path, "\"\(option)\" is not right", hint: "for example size=64m, mode=1777, uid=1000")
      }
    }
    add(Mount(.tmpfs(options), target: FilePath.clean(target), isReadOnly: isReadOnly), item, path)
  }

  private static let tmpfsOptions = [
    "size", "mode", "uid", "gid", "nr_inodes", "ro", "rw", "exec", "suid", "dev", "noexec", "nosuid", "nodev",
  ]

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
