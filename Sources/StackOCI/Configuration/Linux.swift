import IsolationEngine
import JSONDocument
import LinuxCgroup

extension OCIConfiguration {
  mutating func read(_ linux: Field) {
    readNamespaces(linux)
    namespaces.uids = [IDRange].read(linux["uidMappings"])
    namespaces.gids = [IDRange].read(linux["gidMappings"])
    devices = linux["devices"]?.list.compactMap(DeviceNode.init) ?? []
    cgroupsPath = linux["cgroupsPath"]?.string
    if let field = linux["resources"], field.isObject { resources = OCIResources(field) }
    if let field = linux["rootfsPropagation"], let text = field.string, !text.isEmpty {
      rootPropagation = RootPropagation(rawValue: text)
      if rootPropagation == nil { field.report("unknown propagation \"\(text)\"") }
    }
    maskedPaths = paths(linux["maskedPaths"])
    readOnlyPaths = paths(linux["readonlyPaths"])
    sysctls =
      linux["sysctl"]?.members.compactMap { name, field in
        guard let value = field.string else { return nil }
        return SysctlSpecification(key: name, value: value)
      } ?? []
    if let field = linux["seccomp"], field.isObject { readSeccomp(field) }
    readNetworkDevices(linux)
    mountLabel = linux["mountLabel"]?.string
    if let field = linux["personality"], field.isObject { readPersonality(field) }
    readTimeOffsets(linux)
    if let field = linux["memoryPolicy"], field.isObject { memoryPolicy = ListedProcess.MemoryPolicy(field) }
    if let field = linux["intelRdt"], field.isObject { sharesCaches = !field.members.isEmpty }
  }

  private mutating func readSeccomp(_ field: Field) {
    seccomp = Array(field.value.text().utf8)
    listenerPath = field["listenerPath"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    listenerMetadata = field["listenerMetadata"]?.string
    if listenerMetadata?.isEmpty == false && listenerPath == nil { field.report("listenerMetadata needs listenerPath") }
  }

  private mutating func readNetworkDevices(_ linux: Field) {
    for (hostName, field) in linux["netDevices"]?.members ?? [] where field.isObject {
      let name = field["name"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? hostName
      networkDevices.append(NetworkDevice(hostName: hostName, name: name))
    }
  }

  private func paths(_ field: Field?) -> [String] {
    field?.list.compactMap { item in
      guard let path = item.string else { return nil }
      if !path.hasPrefix("/") { item.report("is not an absolute path") }
      return path
    } ?? []
  }

  private mutating func readNamespaces(_ linux: Field) {
    let kinds: [String: WritableKeyPath<ListedNamespaces, ListedNamespaces.Origin>] = [
      "mount": \.mount, "pid": \.pid, "uts": \.uts, "ipc": \.ipc, "network": \.network, "cgroup": \.cgroup,
      "user": \.user, "time": \.time,
    ]
    var seen: Set<String> = []
    for item in linux["namespaces"]?.list ?? [] {
      guard item.isObject, let type = item["type"]?.string else {
        item.report("type is missing")
        continue
      }
      guard let kind = kinds[type] else {
        item.report("unknown namespace \"\(type)\"")
        continue
      }
      if !seen.insert(type).inserted { item.report("namespace \(type) is there twice") }
      let path = item["path"]?.string ?? ""
      if !path.isEmpty && !path.hasPrefix("/") { item.report("path is not absolute") }
      namespaces[keyPath: kind] = path.isEmpty ? .own : .at(path)
    }
  }

  private mutating func readPersonality(_ field: Field) {
    switch field["domain"]?.string ?? "" {
    case "LINUX": personality = 0
    case "LINUX32": personality = 8
    case let other: field.report("unknown domain \"\(other)\"")
    }
    if field["flags"]?.list.isEmpty == false { field.report("flags are not supported") }
  }

  private mutating func readTimeOffsets(_ linux: Field) {
    for (name, field) in linux["timeOffsets"]?.members ?? [] {
      guard ["monotonic", "boottime"].contains(name) else {
        field.report("unknown clock \"\(name)\"")
        continue
      }
      let seconds = field["secs"]?.integer(Int64.self) ?? 0
      let nanoseconds = field["nanosecs"]?.integer(UInt32.self) ?? 0
      namespaces.timeOffsets.append("\(name) \(seconds) \(nanoseconds)")
    }
    if !namespaces.timeOffsets.isEmpty && namespaces.time == .inherited {
      linux.report("timeOffsets need a time namespace")
    }
  }
}

extension DeviceNode {
  init?(_ field: Field) {
    guard field.isObject, let path = field["path"]?.string, let type = field["type"]?.string else {
      field.report("path and type are needed")
      return nil
    }
    if !path.hasPrefix("/") { field.report("path is not absolute") }
    let kind: Kind
    switch type {
    case "c", "u": kind = .character
    case "b": kind = .block
    case "p": kind = .fifo
    default:
      field.report("unknown type \"\(type)\"")
      return nil
    }
    self.init(
      path, kind, UInt32(clamping: field["major"]?.integer(Int64.self) ?? 0),
      UInt32(clamping: field["minor"]?.integer(Int64.self) ?? 0), mode: field["fileMode"]?.integer() ?? 0o666,
      uid: field["uid"]?.integer() ?? 0, gid: field["gid"]?.integer() ?? 0)
  }
}
