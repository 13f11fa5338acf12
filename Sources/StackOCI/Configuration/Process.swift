import Glibc
import IsolationEngine
import LinuxCapabilities

extension OCIProcess {
  /// Reads `process` of a configuration, or the document that `exec --process` is given.
  init(_ field: Field) {
    guard field.isObject else { return }
    arguments = field["args"]?.strings ?? []
    set(field["env"]?.strings ?? [])
    workingDirectory = field["cwd"]?.string ?? ""
    if !workingDirectory.hasPrefix("/") { field.report("cwd is not an absolute path") }
    hasTerminal = field["terminal"]?.bool ?? false
    if let user = field["user"], user.isObject { self.user.read(user: user) }
    if let size = field["consoleSize"], size.isObject {
      let rows = size["height"]?.integer(UInt64.self) ?? 0
      let columns = size["width"]?.integer(UInt64.self) ?? 0
      user.terminalSize = .init(rows: UInt16(clamping: rows), columns: UInt16(clamping: columns))
    }
    if let sets = field["capabilities"], sets.isObject { capabilities = CapabilityMasks(sets) }
    resourceLimits = ResourceLimitSpecification.list(field["rlimits"])
    noNewPrivileges = field["noNewPrivileges"]?.bool ?? false
    oomScoreAdjustment = field["oomScoreAdj"]?.integer(Int.self)
    if let score = oomScoreAdjustment, !(-1000...1000).contains(score) {
      field.report("oomScoreAdj is not between -1000 and 1000")
    }
    user.appArmorProfile = field["apparmorProfile"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    user.selinuxLabel = field["selinuxLabel"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    if let scheduler = field["scheduler"], scheduler.isObject { user.scheduler = .init(scheduler) }
    if let affinity = field["execCPUAffinity"], affinity.isObject {
      user.processors.initial = affinity["initial"].flatMap(Self.processors)
      user.processors.final = affinity["final"].flatMap(Self.processors)
    }
    if let priority = field["ioPriority"], priority.isObject { user.ioPriority = .init(priority) }
  }
}

extension OCIProcess {
  /// `0-2,5` as a mask; nil is all.
  private static func processors(_ field: Field) -> [UInt8]? {
    guard let text = field.string, !text.isEmpty else { return nil }
    var mask = [UInt8](repeating: 0, count: 1024)
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        .map { Int($0.filter { $0 != " " }) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, first >= 0, first <= last,
        last < mask.count * 8
      else {
        field.report("\"\(text)\" is not a list of processors")
        return nil
      }
      for number in first...last { mask[number / 8] |= 1 << UInt8(number % 8) }
    }
    return mask
  }

  /// Sets variables of the environment, each `NAME=VALUE`, instead of those that have their names.
  mutating func set(_ variables: [String]) {
    for variable in variables {
      let name = variable.prefix { $0 != "=" } + "="
      environment.removeAll { $0.hasPrefix(name) }
      environment.append(variable)
    }
  }
}

extension ListedProcess {
  fileprivate mutating func read(user: Field) {
    uid = user["uid"]?.integer() ?? 0
    gid = user["gid"]?.integer() ?? 0
    groups = user["additionalGids"]?.list.compactMap { $0.integer(UInt32.self) } ?? []
    umask = user["umask"]?.integer()
    if let mask = umask, mask > 0o777 { user.report("umask is not a mask of permissions") }
    // What the kernel takes for "leave it as it is" is no user.
    for (name, id) in [("uid", uid), ("gid", gid)] where id == .max { user.report("\(name) is reserved") }
  }
}

extension CapabilityMasks {
  init(_ field: Field) {
    self.init()
    func mask(_ name: String) -> UInt64 {
      var mask: UInt64 = 0
      for item in field[name]?.list ?? [] {
        guard let text = item.string else { continue }
        if text.hasPrefix("CAP_"), let number = CapabilityName.number(of: text) {
          mask |= CapabilitySet(number: number).rawValue
        }
        // What this kernel does not know cannot be had, and is no reason to fail: the specification wants it left out.
      }
      return mask
    }
    bounding = mask("bounding")
    effective = mask("effective")
    permitted = mask("permitted")
    inheritable = mask("inheritable")
    ambient = mask("ambient")
  }
}

extension ResourceLimitSpecification {
  private static let numbers: [String: Int32] = [
    "RLIMIT_CPU": 0, "RLIMIT_FSIZE": 1, "RLIMIT_DATA": 2, "RLIMIT_STACK": 3, "RLIMIT_CORE": 4, "RLIMIT_RSS": 5,
    "RLIMIT_NPROC": 6, "RLIMIT_NOFILE": 7, "RLIMIT_MEMLOCK": 8, "RLIMIT_AS": 9, "RLIMIT_LOCKS": 10,
    "RLIMIT_SIGPENDING": 11, "RLIMIT_MSGQUEUE": 12, "RLIMIT_NICE": 13, "RLIMIT_RTPRIO": 14, "RLIMIT_RTTIME": 15,
  ]

  static func list(_ field: Field?) -> [ResourceLimitSpecification] {
    var seen: Set<String> = []
    return field?.list.compactMap { item in
      guard let type = item["type"]?.string else {
        item.report("type is missing")
        return nil
      }
      guard let number = numbers[type] else {
        item.report("unknown resource limit \"\(type)\"")
        return nil
      }
      if !seen.insert(type).inserted { item.report("\(type) is there twice") }
      guard let soft = item["soft"]?.integer(UInt64.self), let hard = item["hard"]?.integer(UInt64.self) else {
        item.report("soft or hard is missing")
        return nil
      }
      return ResourceLimitSpecification(resource: number, soft: soft, hard: hard)
    } ?? []
  }
}

extension ListedProcess.Scheduler {
  private static let policies = [
    "SCHED_OTHER": UInt32(0), "SCHED_FIFO": 1, "SCHED_RR": 2, "SCHED_BATCH": 3, "SCHED_ISO": 4, "SCHED_IDLE": 5,
    "SCHED_DEADLINE": 6,
  ]
  private static let flagValues: [String: UInt64] = [
    "SCHED_FLAG_RESET_ON_FORK": 0x01, "SCHED_FLAG_RECLAIM": 0x02, "SCHED_FLAG_DL_OVERRUN": 0x04,
    "SCHED_FLAG_KEEP_POLICY": 0x08, "SCHED_FLAG_KEEP_PARAMS": 0x10, "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
    "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
  ]

  init?(_ field: Field) {
    let name = field["policy"]?.string ?? ""
    guard let policy = Self.policies[name] else {
      field.report("unknown policy \"\(name)\"")
      return nil
    }
    self.init(policy: policy)
    nice = field["nice"]?.integer() ?? 0
    if !(-20...19).contains(nice) { field.report("nice is not between -20 and 19") }
    priority = UInt32(clamping: field["priority"]?.integer(Int32.self) ?? 0)
    runtime = field["runtime"]?.integer() ?? 0
    deadline = field["deadline"]?.integer() ?? 0
    period = field["period"]?.integer() ?? 0
    for item in field["flags"]?.list ?? [] {
      guard let text = item.string else { continue }
      if let flag = Self.flagValues[text] { flags |= flag } else { item.report("unknown flag \"\(text)\"") }
    }
    if name == "SCHED_DEADLINE" { checkDeadline(field) }
  }

  /// What the kernel refuses without a word (sched(7), "SCHED_DEADLINE").
  private func checkDeadline(_ field: Field) {
    func report(_ reason: String) { field.report("sched_setattr: `SCHED_DEADLINE` \(reason)") }
    let limits = UInt64(1024)...UInt64(1) << 63 - 1
    if field["runtime"] == nil {
      report("requires `runtime`")
    } else if field["deadline"] == nil {
      report("requires `deadline`")
    } else if runtime == 0 {
      report("runtime must be greater than 0")
    } else if !limits.contains(runtime) {
      report("runtime \(runtime) must be between \(limits.lowerBound) and \(limits.upperBound) ns")
    } else if runtime > deadline {
      report("runtime \(runtime) must be <= deadline \(deadline)")
    } else if period != 0 && deadline > period {
      report("deadline \(deadline) must be <= period \(period)")
    }
  }
}

extension ListedProcess.IOPriority {
  private static let kinds: [String: Int32] = [
    "IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3,
  ]

  init?(_ field: Field) {
    let name = field["class"]?.string ?? ""
    guard let kind = Self.kinds[name] else {
      field.report("unknown class \"\(name)\"")
      return nil
    }
    let level = field["priority"]?.integer(Int32.self) ?? 0
    if !(0...7).contains(level) { field.report("priority is not between 0 and 7") }
    self.init(kind: kind, level: level)
  }
}

extension OCIHooks {
  init(_ field: Field) {
    func list(_ name: String) -> [Hook] {
      field[name]?.list.compactMap { item in
        guard item.isObject, let path = item["path"]?.string else {
          item.report("path is missing")
          return nil
        }
        if !path.hasPrefix("/") { item.report("path is not absolute") }
        let seconds = item["timeout"]?.integer(Int.self)
        if let seconds, seconds <= 0 { item.report("timeout is not above 0") }
        return Hook(
          path: path, arguments: item["args"]?.strings ?? [], environment: item["env"]?.strings, seconds: seconds)
      } ?? []
    }
    prestart = list("prestart")
    createRuntime = list("createRuntime")
    createContainer = list("createContainer")
    startContainer = list("startContainer")
    poststart = list("poststart")
    poststop = list("poststop")
  }
}
