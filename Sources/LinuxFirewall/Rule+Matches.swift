import CNetlink
import Glibc
import InternetAddress
import LinuxNetlink

/// The matches of nft(8) that are used here, as the expressions they are made of.
extension [Rule.Expression] {
  /// `iifname @set`
  static func inputInterface(in set: String) -> Self {
    [.inputInterfaceName(.word(0)), .lookUp(set, key: .word(0), value: nil)]
  }

  /// `oifname @set`
  static func outputInterface(in set: String) -> Self {
    [.outputInterfaceName(.word(0)), .lookUp(set, key: .word(0), value: nil)]
  }

  /// `meta l4proto icmp`
  static var controlMessages: Self { carries(UInt8(IPPROTO_ICMP)) }
  /// `meta l4proto tcp`
  static var connections: Self { carries(NetworkPolicy.Transport.tcp.rawValue) }

  private static func carries(_ number: UInt8) -> Self { [.transportProtocol(.word(0)), .equal(.word(0), [number])] }

  /// `ip saddr @set`
  static func source(in set: String) -> Self {
    [.networkHeader(offset: 12, length: 4, .word(0)), .lookUp(set, key: .word(0), value: nil)]
  }

  /// `ether type`: what a frame carries.
  static func carries(_ type: EtherType) -> Self {
    [.linkHeader(offset: 12, length: 2, .word(0)), .equal(.word(0), Bytes.etherType(type))]
  }

  /// `iifname . ether saddr @set`
  static func linkSender(in set: String) -> Self {
    [
      .inputInterfaceName(.word(0)), .linkHeader(offset: 6, length: 6, .word(4)),
      .lookUp(set, key: .word(0), value: nil),
    ]
  }

  /// `iifname . ip saddr @set`
  static func packetSender(in set: String) -> Self {
    [
      .inputInterfaceName(.word(0)), .networkHeader(offset: 12, length: 4, .word(4)),
      .lookUp(set, key: .word(0), value: nil),
    ]
  }

  /// `iifname . arp saddr ether . arp saddr ip @set`
  static func resolutionSender(in set: String) -> Self {
    [
      .inputInterfaceName(.word(0)), .networkHeader(offset: 8, length: 6, .word(4)),
      .networkHeader(offset: 14, length: 4, .word(6)), .lookUp(set, key: .word(0), value: nil),
    ]
  }

  /// `arp saddr ip @set`
  static func resolvedAddress(in set: String) -> Self {
    [.networkHeader(offset: 14, length: 4, .word(0)), .lookUp(set, key: .word(0), value: nil)]
  }

  /// `iifname . oifname @set`
  static func interfaces(in set: String) -> Self {
    [.inputInterfaceName(.word(0)), .outputInterfaceName(.word(4)), .lookUp(set, key: .word(0), value: nil)]
  }

  /// `oifname "name"`
  static func outputInterface(_ name: String) -> Self {
    [.outputInterfaceName(.word(0)), .equal(.word(0), Bytes.interface(name))]
  }

  /// `oifname != "name"`
  static func outputInterface(not name: String) -> Self {
    [.outputInterfaceName(.word(0)), .notEqual(.word(0), Bytes.interface(name))]
  }

  /// `ip saddr 127.0.0.0/8`
  static var loopbackSource: Self {
    [.networkHeader(offset: 12, length: 1, .word(0)), .equal(.word(0), [127])]
  }

  /// `ip daddr 127.0.0.0/8`
  static var loopbackDestination: Self {
    [.networkHeader(offset: 16, length: 1, .word(0)), .equal(.word(0), [127])]
  }

  /// `ip saddr subnet`
  static func source(in subnet: IPv4Subnet) -> Self {
    let mask = UInt32(truncatingIfNeeded: UInt64(0xffff_ffff) << UInt64(32 - subnet.prefixLength))
    return [
      .networkHeader(offset: 12, length: 4, .word(0)), .mask(.word(0), Bytes.network(mask)),
      .equal(.word(0), Bytes.address(subnet.base)),
    ]
  }

  /// `ct state established,related`
  static var answers: Self {
    // NF_CT_STATE_BIT of IP_CT_ESTABLISHED (0) and IP_CT_RELATED (1): a macro with an argument.
    [.connectionState(.word(0)), .mask(.word(0), Bytes.native(1 << 1 | 1 << 2)), .notEqual(.word(0), Bytes.native(0))]
  }

  /// `ct status dnat`
  static var redirected: Self {
    [
      .connectionStatus(.word(0)), .mask(.word(0), Bytes.native(destinationNATStatus)),
      .notEqual(.word(0), Bytes.native(0)),
    ]
  }

  /// `fib daddr type != local`
  static var destinationElsewhere: Self {
    [.destinationType(.word(0)), .notEqual(.word(0), Bytes.native(UInt32(RTN_LOCAL)))]
  }

  /// `ip daddr . meta l4proto . th dport @set`
  static func destinationService(in set: String) -> Self {
    destinationServiceKey + [.lookUp(set, key: .word(0), value: nil)]
  }

  /// `dnat ip to ip daddr . meta l4proto . th dport map @map`
  static func destinationNAT(byAddressIn map: String) -> Self {
    destinationServiceKey + destinationNAT(from: map)
  }

  /// `dnat ip to meta l4proto . th dport map @map`
  static func destinationNAT(byPortIn map: String) -> Self {
    [.transportProtocol(.word(0)), .transportHeader(offset: 2, length: 2, .word(1))] + destinationNAT(from: map)
  }

  private static var destinationServiceKey: Self {
    [
      .networkHeader(offset: 16, length: 4, .word(0)), .transportProtocol(.word(1)),
      .transportHeader(offset: 2, length: 2, .word(2)),
    ]
  }

  private static func destinationNAT(from map: String) -> Self {
    [.lookUp(map, key: .word(0), value: .word(0)), .destinationNAT(address: .word(0), port: .word(1))]
  }
}

/// What an Ethernet frame carries (linux/if_ether.h, ETH_P_*).
enum EtherType: UInt16 {
  case ipv4 = 0x0800
  case addressResolution = 0x0806
}

/// Data as registers and the elements of sets hold them.
enum Bytes {
  static func native(_ value: UInt32) -> [UInt8] { unsafe withUnsafeBytes(of: value) { unsafe Array($0) } }
  static func network(_ value: UInt32) -> [UInt8] { native(value.bigEndian) }
  static func address(_ address: IPv4Address) -> [UInt8] { network(address.value) }
  static func etherType(_ type: EtherType) -> [UInt8] { [UInt8(type.rawValue >> 8), UInt8(type.rawValue & 0xff)] }
  /// Padded to whole words.
  static func ethernet(_ address: MACAddress) -> [UInt8] { address.octets + [0, 0] }
  /// Padded to a word.
  static func transport(_ transport: NetworkPolicy.Transport) -> [UInt8] { [transport.rawValue, 0, 0, 0] }
  /// Padded to a word.
  static func port(_ port: UInt16) -> [UInt8] { network(UInt32(port) << 16) }
  static func interface(_ name: String) -> [UInt8] {
    var bytes = Array(name.utf8.prefix(interfaceNameSize))
    bytes += [UInt8](repeating: 0, count: interfaceNameSize - bytes.count)
    return bytes
  }
}

/// IPS_DST_NAT (linux/netfilter/nf_conntrack_common.h): the connection's destination was translated.
private let destinationNATStatus: UInt32 = 1 << 5
/// IFNAMSIZ (netdevice(7)).
private let interfaceNameSize = 16
