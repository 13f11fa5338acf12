import StackModel

/// The /etc/resolv.conf (resolv.conf(5)) of a container.
package enum ResolvConf {
  /// The file of one service.
  ///
  /// On a network of its own a container cannot reach name servers on the machine's loopback interface, as systemd-resolved's
  /// 127.0.0.53, nor, as these networks are IPv4, servers with IPv6 addresses: they are left out.
  /// - Parameters:
  ///   - hostContent: the machine's own /etc/resolv.conf.
  ///   - upstreamContent: /run/systemd/resolve/resolv.conf, which has the servers behind 127.0.0.53; empty when there is none.
  package static func render(for service: Service, hostContent: String, upstreamContent: String) -> String {
    if case .host = service.networkMode, service.dns.isEmpty { return hostContent }
    let host = Entries(hostContent)
    if !service.dns.isEmpty { return text(service.dns, host.others) }
    let reachable = host.nameservers.filter(isReachable)
    if !reachable.isEmpty { return text(reachable, host.others) }
    let upstream = Entries(upstreamContent)
    return text(upstream.nameservers.filter(isReachable), upstream.others.isEmpty ? host.others : upstream.others)
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
