import StackModel

extension ServiceDecoder {
  mutating func decodeLimits() {
    let limits = node["deploy"]?["resources"]?["limits"]
    let memory = agreed("mem_limit", limits?["memory"], "deploy.resources.limits.memory")
    service.resources.memory = memory?.text.flatMap(UInt64.init).flatMap { $0 == 0 ? nil : $0 }
    checkMemory(memory)
    service.resources.memoryAndSwap = node["memswap_limit"]?.text.flatMap(Int64.init).flatMap { $0 == 0 ? nil : $0 }
    service.resources.cpus = agreed("cpus", limits?["cpus"], "deploy.resources.limits.cpus")?.text.flatMap(Double.init)
      .flatMap {
        $0 == 0 ? nil : $0
      }
    let pids = agreed("pids_limit", limits?["pids"], "deploy.resources.limits.pids")
    service.resources.pids = pids?.text.flatMap(Int64.init).flatMap { $0 == 0 ? nil : $0 }
    decodeShares()
    decodePeriod()
    decodeProcessors()
    decodeReclaim()
    decodeDeviceRules()
    decodeBlocks()
    checkSwap()
    for limit in node["ulimits"]?.members ?? [] { decodeLimit(limit) }
    decodeReplicas()
  }

  private mutating func decodeReplicas() {
    guard let count = agreed("scale", node["deploy"]?["replicas"], "deploy.replicas"),
      let number = count.text.flatMap({ Int($0) })
    else { return }
    if number > Self.mostReplicas {
      report.error(
        count.mark, path(node["scale"] == nil ? "deploy.replicas" : "scale"),
        "\(number) containers are more than \(Self.mostReplicas)")
      return
    }
    service.replicas = number == 1 ? nil : number
    if number > 1, let name = node["container_name"] {
      report.error(
        name.mark, path("container_name"), "\(number) containers cannot have the same name",
        hint: "remove container_name:, or write scale: 1")
    }
  }

  /// What no machine runs; a number that is mistyped does not take its memory.
  private static let mostReplicas = 10_000

  /// A limit that can stand in two places must be the same in both.
  private func agreed(_ key: String, _ other: Node?, _ otherKey: String) -> Node? {
    guard let own = node[key], let other else { return node[key] ?? other }
    if own.text != other.text {
      report.error(
        other.mark, path(otherKey),
        "\(key): is \(own.text ?? "") in \(report.place(own.mark)), but this is \(other.text ?? "")",
        hint: "keep one of the two")
    }
    return own
  }

  /// Below it no program starts: Docker refuses it too.
  private static let leastMemory: UInt64 = 6 << 20

  private func checkMemory(_ node: Node?) {
    guard let node, let memory = service.resources.memory, memory < Self.leastMemory else { return }
    report.refusal(
      node.mark, path(self.node["mem_limit"] == nil ? "deploy.resources.limits.memory" : "mem_limit"),
      "\(memory) bytes of memory are too few for a program to start", hint: "the least is 6m")
  }

  private mutating func decodeShares() {
    guard let shares = node["cpu_shares"], let value = shares.text.flatMap(Int64.init), value != 0 else { return }
    service.resources.cpuShares = UInt64(clamping: value)
    if !(2...262_144).contains(value) {
      report.refusal(shares.mark, path("cpu_shares"), "cpu_shares is 2 to 262144, but this is \(value)")
    }
  }

  /// The kernel's limits: a millisecond of quota, a millisecond to a second of period.
  private mutating func decodePeriod() {
    if let node = node["cpu_period"], let period = node.text.flatMap(Int64.init), period != 0 {
      service.resources.cpuPeriod = UInt64(clamping: period)
      if !(1000...1_000_000).contains(period) {
        report.refusal(
          node.mark, path("cpu_period"), "cpu_period is in microseconds, from 1000 to 1000000, but this is \(period)")
      }
    }
    // -1 and 0 are no quota.
    guard let node = node["cpu_quota"], let quota = node.text.flatMap(Int64.init), quota > 0 else { return }
    service.resources.cpuQuota = UInt64(quota)
    if quota < 1000 {
      report.refusal(node.mark, path("cpu_quota"), "cpu_quota is in microseconds: the least is 1000, this is \(quota)")
    }
  }

  private mutating func decodeReclaim() {
    let reservations = node["deploy"]?["resources"]?["reservations"]
    let reservation = agreed("mem_reservation", reservations?["memory"], "deploy.resources.reservations.memory")
    service.resources.memoryReservation = reservation?.text.flatMap(UInt64.init).flatMap { $0 == 0 ? nil : $0 }
    if flag("oom_kill_disable") { service.resources.disablesOOMKill = true }
    guard let node = node["mem_swappiness"], let value = node.text.flatMap(Int64.init), value >= 0 else { return }
    service.resources.swappiness = UInt64(value)
    if value > 100 {
      report.refusal(node.mark, path("mem_swappiness"), "mem_swappiness is 0 to 100, but this is \(value)")
    }
  }

  private mutating func decodeDeviceRules() {
    for (index, item) in (node["device_cgroup_rules"]?.items ?? []).enumerated() {
      guard let text = item.text else { continue }
      guard let rules = DeviceRule.parse(text) else {
        report.refusal(
          item.mark, path("device_cgroup_rules[\(index)]"), "\"\(text)\" is not a rule about devices",
          hint: "the form is KIND MAJOR:MINOR ACCESS with c, b or a, numbers or *, and some of rwm: c 10:200 rwm")
        continue
      }
      service.resources.deviceRules = (service.resources.deviceRules ?? []) + rules
    }
  }

  /// A list of the form of cpuset(7): `0-2,4`.
  private mutating func decodeProcessors() {
    guard let set = node["cpuset"], let text = set.text, !text.isEmpty else { return }
    service.resources.cpuset = text
    let isList = text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { part in
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else { return false }
      return first <= last
    }
    if !isList {
      report.refusal(set.mark, path("cpuset"), "\"\(text)\" is not a list of processors", hint: "for example 0-2,4")
    }
  }

  private func checkSwap() {
    guard let swap = service.resources.memoryAndSwap, swap >= 0, let node = node["memswap_limit"] else { return }
    guard let memory = service.resources.memory else {
      report.refusal(
        node.mark, path("memswap_limit"), "memswap_limit needs mem_limit", hint: "it is memory and swap together")
      return
    }
    if UInt64(swap) < memory {
      report.refusal(
        node.mark, path("memswap_limit"), "memswap_limit \(swap) is less than mem_limit \(memory)",
        hint: "it is memory and swap together")
    }
  }

  private mutating func decodeLimit(_ member: Node.Member) {
    guard NameRule.Limits.names.contains(member.key) else {
      report.refusal(
        member.mark, path("ulimits.\(member.key)"), "\"\(member.key)\" is not a resource limit",
        hint: report.suggestion(for: member.key.lowercased(), among: NameRule.Limits.names))
      return
    }
    let both = member.value.text
    guard let soft = (both ?? member.value["soft"]?.text).flatMap({ Int64($0) }),
      let hard = (both ?? member.value["hard"]?.text).flatMap({ Int64($0) })
    else { return }
    if hard >= 0, soft > hard || soft < 0 {
      report.refusal(
        member.value["soft"]?.mark ?? member.mark, path("ulimits.\(member.key)"),
        "the soft limit \(soft) is more than the hard limit \(hard)")
    }
    service.ulimits.append(ResourceLimit(name: member.key, soft: soft, hard: hard))
  }
}
