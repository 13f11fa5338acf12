import IsolationEngine
import LinuxMounts

/// One entry of `mounts`: what its options come to.
struct MountReading {
  private(set) var mount: ListedMount?

  /// Options that set or clear flags of one mount (mount(8), "filesystem-independent mount options").
  private static let flags: [String: (added: MountAttributes, cleared: MountAttributes)] = [
    "ro": (.readOnly, []), "rw": ([], .readOnly),
    "nosuid": (.noSetUserID, []), "suid": ([], .noSetUserID),
    "nodev": (.noDevices, []), "dev": ([], .noDevices),
    "noexec": (.noExecution, []), "exec": ([], .noExecution),
    "nosymfollow": (.noSymlinks, []), "symfollow": ([], .noSymlinks),
    "nodiratime": (.noDirectoryAccessTime, []), "diratime": ([], .noDirectoryAccessTime),
    "noatime": (.noAccessTime, .accessTimes), "atime": ([], .accessTimes),
    "relatime": ([], .accessTimes), "norelatime": ([], .accessTimes),
    "strictatime": (.strictAccessTime, .accessTimes), "nostrictatime": ([], .accessTimes),
  ]

  /// What is asked for of the times at which files are read. As for mount(8), and other runtimes, what takes an option back
  /// takes back what was said before it, and not what the mount has from elsewhere; and who asks for one asks for all.
  private struct AccessTimes {
    private var kind: String?
    private var skipsDirectories = false

    static let names: Set<String> = [
      "nodiratime", "diratime", "noatime", "atime", "relatime", "norelatime", "strictatime", "nostrictatime",
    ]

    mutating func read(_ name: String) {
      switch name {
      case "noatime", "relatime", "strictatime": kind = name
      case "atime": if kind == "noatime" { kind = nil }
      case "norelatime", "nostrictatime": if kind == String(name.dropFirst(2)) { kind = nil }
      default: skipsDirectories = name == "nodiratime"
      }
    }

    func add(to change: inout ListedMount.Change) {
      if kind == nil && !skipsDirectories { return }
      if skipsDirectories { change.added.insert(.noDirectoryAccessTime) }
      if kind == "noatime" { change.added.insert(.noAccessTime) }
      if kind == "strictatime" { change.added.insert(.strictAccessTime) }
      change.cleared.formUnion(skipsDirectories ? .accessTimes : [.accessTimes, .noDirectoryAccessTime])
    }
  }

  private static let propagations: [String: (MountPropagation, isRecursive: Bool)] = [
    "private": (.private, false), "rprivate": (.private, true), "shared": (.shared, false), "rshared": (.shared, true),
    "slave": (.slave, false), "rslave": (.slave, true), "unbindable": (.unbindable, false),
    "runbindable": (.unbindable, true),
  ]

  /// Options of a file system that are flags to the kernel as they are.
  private static let fileSystemFlags: Set<String> = ["sync", "dirsync", "lazytime", "mand"]
  /// What says what is so anyway.
  private static let meaningless: Set<String> = [
    "defaults", "async", "nolazytime", "nomand", "silent", "loud", "remount", "norelatime", "iversion", "noiversion",
  ]

  static var optionNames: [String] {
    let recursive = flags.keys.map { "r\($0)" }.filter { $0 != "rrw" } + ["rrw"]
    return Array(
      Set(flags.keys).union(recursive).union(propagations.keys).union(fileSystemFlags).union(meaningless)
        .union(["bind", "rbind", "idmap", "ridmap", "tmpcopyup", "src-nofollow"])
    ).sorted()
  }

  init(_ field: Field) {
    guard field.isObject else { return }
    guard let target = field["destination"]?.string, !target.isEmpty else {
      field.report("destination is missing")
      return
    }
    var options = Options()
    for item in field["options"]?.list ?? [] {
      if let text = item.string { options.read(text) }
    }
    options.accessTimes.add(to: &options.attributes)
    let type = field["type"]?.string ?? ""
    let source = field["source"]?.string ?? ""
    let kind: ListedMount.Source
    if options.isBind || type == "bind" {
      if source.isEmpty { field.report("source is missing") }
      kind = .bind(source, isRecursive: options.isRecursiveBind)
    } else if type == "cgroup" || type == "cgroup2" {
      kind = .cgroup
    } else if type.isEmpty {
      field.report("type is missing")
      return
    } else {
      kind = .fileSystem(type: type, source: source.isEmpty ? type : source, options: options.fileSystem)
    }
    let path = "/" + target.split(separator: "/").joined(separator: "/")
    var mount = ListedMount(kind, target: path)
    mount.attributes = options.attributes
    mount.recursiveAttributes = options.recursiveAttributes
    mount.propagation = options.propagation
    mount.recursivePropagation = options.recursivePropagation
    mount.copiesUp = options.copiesUp && type == "tmpfs"
    mount.followsSourceLink = options.followsSourceLink
    let uids = [IDRange].read(field["uidMappings"])
    let gids = [IDRange].read(field["gidMappings"])
    if uids.isEmpty != gids.isEmpty { field.report("uidMappings and gidMappings come together") }
    if options.mapsOwners || !uids.isEmpty {
      if case .bind = kind {
        mount.owners = OwnerMapping(uids: uids, gids: gids, isRecursive: options.mapsOwnersRecursively)
      } else {
        field.report("only a bind mount can have mappings")
      }
    }
    self.mount = mount
  }

  private struct Options {
    var isBind = false
    var isRecursiveBind = false
    var attributes = ListedMount.Change()
    var accessTimes = AccessTimes()
    var recursiveAttributes = ListedMount.Change()
    var propagation: MountPropagation?
    var recursivePropagation: MountPropagation?
    var copiesUp = false
    var followsSourceLink = true
    var mapsOwners = false
    var mapsOwnersRecursively = false
    var fileSystem: [ListedMount.Option] = []

    mutating func read(_ text: String) {
      switch text {
      case "bind": isBind = true
      case "rbind": (isBind, isRecursiveBind) = (true, true)
      case "tmpcopyup": copiesUp = true
      case "src-nofollow": followsSourceLink = false
      case "idmap": mapsOwners = true
      case "ridmap": (mapsOwners, mapsOwnersRecursively) = (true, true)
      default:
        if AccessTimes.names.contains(text) {
          accessTimes.read(text)
        } else if let flag = MountReading.flags[text] {
          change(&attributes, flag.added, flag.cleared)
        } else if let (kind, isRecursive) = MountReading.propagations[text] {
          if isRecursive { recursivePropagation = kind } else { propagation = kind }
        } else if text.hasPrefix("r"), let flag = MountReading.flags[String(text.dropFirst())] {
          change(&recursiveAttributes, flag.added, flag.cleared)
        } else if !MountReading.meaningless.contains(text) {
          let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
          // SELinux contexts mean nothing to a kernel without it, and are set by the runtime with it.
          if let name = parts.first, !name.isEmpty {
            fileSystem.append(ListedMount.Option(name, parts.count > 1 ? parts[1] : ""))
          }
        }
      }
    }

    /// The last one of two that contradict each other counts.
    private func change(
      _ change: inout ListedMount.Change, _ added: MountAttributes, _ cleared: MountAttributes
    ) {
      change.added = change.added.subtracting(cleared).union(added)
      change.cleared = change.cleared.subtracting(added.subtracting(.accessTimes)).union(cleared)
    }
  }
}

extension [IDRange] {
  static func read(_ field: Field?) -> [IDRange] {
    field?.list.compactMap { item in
      guard item.isObject, let inside = item["containerID"]?.integer(UInt32.self),
        let outside = item["hostID"]?.integer(UInt32.self), let count = item["size"]?.integer(UInt32.self)
      else {
        item.report("containerID, hostID and size are needed")
        return nil
      }
      return IDRange(inside: inside, outside: outside, count: count)
    } ?? []
  }
}
