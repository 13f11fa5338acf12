import StackModel

/// What services take from each other: aliases (`links`), and volumes (`volumes_from`).
struct ServiceLinks {
  let report: Report

  func apply(to services: [DecodedService]) {
    guard services.contains(where: { $0.member.value["links"] != nil || $0.member.value["volumes_from"] != nil }) else {
      return
    }
    let index = Dictionary(services.enumerated().map { ($1.service.name, $0) }, uniquingKeysWith: { first, _ in first })
    for position in services.indices {
      let node = services[position].member.value
      for link in node["links"]?.items ?? [] { apply(link, of: position, index, services) }
      for volumes in node["volumes_from"]?.items ?? [] { take(volumes, into: position, index, services) }
    }
  }

  /// The alias becomes a name of the other service on the networks that both are on.
  private func apply(_ link: Node, of position: Int, _ index: [String: Int], _ services: [DecodedService]) {
    let (name, alias) = Canonicalizer.split(link.text ?? "", at: UInt8(ascii: ":"))
    guard let alias, !alias.isEmpty, let other = index[name],
      case .networks(let own) = services[position].service.networkMode,
      case .networks(var attachments) = services[other].service.networkMode
    else { return }
    let common = Set(own.map(\.network))
    for place in attachments.indices where common.contains(attachments[place].network) {
      if !attachments[place].aliases.contains(alias) { attachments[place].aliases.append(alias) }
    }
    services[other].service.networkMode = .networks(attachments)
  }

  /// The other service's mounts, but for those at places where this one has its own.
  private func take(_ volumes: Node, into position: Int, _ index: [String: Int], _ services: [DecodedService]) {
    let text = volumes.text ?? ""
    guard !text.hasPrefix("container:") else {
      report.inert(
        kind: "volumes_from container", volumes.mark, "services.\(services[position].service.name).volumes_from",
        "volumes of containers of elsewhere are accepted, but not acted on yet")
      return
    }
    let (name, mode) = Canonicalizer.split(text, at: UInt8(ascii: ":"))
    guard let other = index[name], other != position else { return }
    let targets = Set(services[position].service.mounts.map(\.target))
    for mount in services[other].service.mounts where !targets.contains(mount.target) {
      var mount = mount
      if mode == "ro" { mount.isReadOnly = true }
      services[position].service.mounts.append(mount)
    }
  }
}
