import StackModel

/// The /etc/resolv.conf (resolv.conf(5)) of a container.
package enum ResolvConf {
  /// The file of one service.
  ///
  /// On a network of its own a container cannot reach name servers on the machine's loopback interface, as systemd-resolved's
  /// 127.0.0.53, nor, as these networks are IPv4, servers with IPv6 addresses: they are left out.
  /// What is reachable comes after the gateway, for the time in which nobody answers there: names of the outside are found then
  /// too, and those of the stack in the hosts file.
  /// - Parameters:
  ///   - gateway: where the supervisor answers for the names of the stack, and passes on what is not about it; nil for a
  ///     service that is on no network of the stack.
  ///   - hasWayOut: whether what the service sends can leave its networks.
  ///   - hostContent: the machine's own /etc/resolv.conf.
  ///   - upstreamContent: /run/systemd/resolve/resolv.conf, which has the servers behind 127.0.0.53; empty when there is none.
  package static func render(
    for service: Service, gateway: String? = nil, hasWayOut: Bool = true, hostContent: String, upstreamContent: String
  ) -> String {
    let host = Entries(hostContent)
    if let gateway {
      let lines = absoluteFirst(withoutRotation(others(service, host.others)))
      guard hasWayOut else { return text([gateway], lines) }
      let others = service.dns.isEmpty ? host.nameservers + Entries(upstreamContent).nameservers : service.dns
      let reachable = others.filter(isReachable)
      if reachable.isEmpty, let unreachable = others.first {
        return text([gateway], lines)
          + "# \(unreachable) cannot be reached from here: while nobody answers at \(gateway), only the hosts file does\n"
      }
      // More than three are not looked at (resolv.conf(5)).
      return text([gateway] + reachable.prefix(2), lines)
    }
    if case .host = service.networkMode, service.dns.isEmpty, service.dnsSearch == nil, service.dnsOptions == nil {
      return hostContent
    }
    if !service.dns.isEmpty { return text(service.dns, others(service, host.others)) }
    if case .host = service.networkMode { return text(host.nameservers, others(service, host.others)) }
    let reachable = host.nameservers.filter(isReachable)
    if !reachable.isEmpty { return text(reachable, others(service, host.others)) }
    let upstream = Entries(upstreamContent)
    return text(
      upstream.nameservers.filter(isReachable),
      others(service, upstream.others.isEmpty ? host.others : upstream.others))
  }

  /// The machine's settings, and instead of them those that the service has (`dns_search`, `dns_opt`).
  private static func others(_ service: Service, _ host: [String]) -> [String] {
    var lines = host
    if let search = service.dnsSearch {
      lines.removeAll { $0.hasPrefix("search") || $0.hasPrefix("domain") }
      // A single dot is no search at all, as in docker.
      if !search.isEmpty, search != ["."] { lines.append("search \(search.joined(separator: " "))") }
    }
    if let options = service.dnsOptions {
      lines.removeAll { $0.hasPrefix("options") }
      if !options.isEmpty { lines.append("options \(options.joined(separator: " "))") }
    }
    return lines
  }

  /// A name without a dot is one of the stack's: search domains come after it.
  private static func absoluteFirst(_ lines: [String]) -> [String] {
    guard let index = lines.lastIndex(where: { $0.hasPrefix("options") }) else { return lines + ["options ndots:0"] }
    if lines[index].contains("ndots:") { return lines }
    var lines = lines
    lines[index] += " ndots:0"
    return lines
  }

  /// In turn, servers of the outside would be asked for the names of the stack first.
  private static func withoutRotation(_ lines: [String]) -> [String] {
    lines.compactMap { line in
      guard line.hasPrefix("options"), line.contains("rotate") else { return line }
      let words = line.split(whereSeparator: \.isWhitespace).filter { $0 != "rotate" }
      return words.count > 1 ? words.joined(separator: " ") : nil
    }
  }

  private struct Entries {
    var nameservers: [String] = []
    /// Lines with `search`, `domain`, `options` and `sortlist`.
    var others: [String] = []

    init(_ text: String) {
      for line in text.split(whereSeparator: \.isNewline) {
        let words = line.split(whereSeparator: \.isWhitespace)
        // A keyword starts at the first column (resolv.conf(5)).
        guard let keyword = words.first, line.first?.isWhitespace == false else { continue }
        switch keyword {
        case "nameserver": nameservers += words.dropFirst().prefix(1).map(String.init)
        case "search", "domain", "options", "sortlist": others.append(String(line))
        default: continue
        }
      }
    }
  }

  private static func isReachable(_ nameserver: String) -> Bool {
    !nameserver.hasPrefix("127.") && nameserver != "0.0.0.0" && !nameserver.contains(":")
  }

  private static func text(_ nameservers: [String], _ others: [String]) -> String {
    (nameservers.map { "nameserver \($0)" } + others).map { $0 + "\n" }.joined()
  }
}
