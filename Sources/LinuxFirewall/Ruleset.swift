/// A table of nftables (nft(8)), as a value.
package struct Ruleset: Hashable, Sendable {
  package var table: TableName
  package var sets: [NamedSet] = []
  package var chains: [Chain] = []
}

/// What a table is called: names are those of one family.
package struct TableName: Hashable, Sendable, CustomStringConvertible {
  /// The raw value is the kernel's (NFPROTO_*).
  package enum Family: UInt8, Sendable {
    case ip = 2
    /// Frames that a bridge carries.
    case bridge = 7
  }

  package let family: Family
  package let name: String

  package init(_ name: String, family: Family = .ip) {
    self.family = family
    self.name = name
  }

  package var description: String { "\(family) \(name)" }
}

/// A set, or with values a map: a hash table.
package struct NamedSet: Hashable, Sendable {
  /// A type of data as `nft` shows it; its raw value is nft's number of it (`enum datatypes`), which the kernel only keeps.
  package enum DataType: UInt32, Sendable {
    case ipv4Address = 7
    case ethernetAddress = 9
    case internetProtocol = 12
    case internetService = 13
    case interfaceName = 41

    /// Bytes in registers, where each datum takes whole words.
    var length: Int {
      switch self {
      case .ipv4Address, .internetProtocol, .internetService: 4
      case .ethernetAddress: 8
      case .interfaceName: 16
      }
    }
  }

  package struct Element: Hashable, Sendable {
    package let key: [UInt8]
    /// Empty in a set.
    package let value: [UInt8]

    package init(_ key: [UInt8], _ value: [UInt8] = []) {
      self.key = key
      self.value = value
    }
  }

  package let name: String
  package let key: [DataType]
  /// Empty in a set.
  package let value: [DataType]
  package let elements: [Element]
}

/// A chain of rules.
package struct Chain: Hashable, Sendable {
  /// Where the kernel enters a base chain. Its policy is to accept.
  package struct Hook: Hashable, Sendable {
    package enum Kind: String, Sendable {
      case filter
      case nat
    }

    /// The raw value is the kernel's (`enum nf_inet_hooks`).
    package enum Point: UInt32, Sendable {
      case prerouting = 0
      case input = 1
      case forward = 2
      case output = 3
      case postrouting = 4
    }

    package let kind: Kind
    package let point: Point
    /// `enum nf_ip_hook_priorities`: lower goes first.
    package let priority: Int32
  }

  package let name: String
  /// nil: entered from other chains only.
  package let hook: Hook?
  package let rules: [Rule]
}

/// A rule: expressions that are evaluated in turn until one does not match.
package struct Rule: Hashable, Sendable {
  /// Shown by `nft list`.
  package let comment: String
  package let expressions: [Expression]

  /// One of the sixteen registers of 32 bits (NFT_REG32_00 and following).
  package struct Register: Hashable, Sendable {
    package let word: UInt32

    package static func word(_ word: UInt32) -> Register { Register(word: word) }
  }

  package enum Verdict: Hashable, Sendable {
    case accept
    case drop
    /// Drops it and tells the sender: ICMP “administratively prohibited”.
    case refuse
    /// The same for TCP, by RST, of which the kernel does not send few on purpose.
    case reset
    /// Goes on in another chain and does not come back.
    case goTo(String)
  }

  /// What a rule is made of, in the terms of the kernel's `nft_expr`.
  package enum Expression: Hashable, Sendable {
    /// `iifname`: 16 bytes, padded with zeros.
    case inputInterfaceName(Register)
    /// `oifname`: like `iifname`.
    case outputInterfaceName(Register)
    /// `meta l4proto`: one byte.
    case transportProtocol(Register)
    /// Bytes from the start of the Ethernet header.
    case linkHeader(offset: UInt32, length: UInt32, Register)
    /// Bytes from the start of the IPv4 header, or of what else the frame carries.
    case networkHeader(offset: UInt32, length: UInt32, Register)
    /// Bytes from the start of the TCP or UDP header.
    case transportHeader(offset: UInt32, length: UInt32, Register)
    /// `ct state`: a bit mask.
    case connectionState(Register)
    /// `ct status`: a bit mask.
    case connectionStatus(Register)
    /// `fib daddr type`: a route type (RTN_*).
    case destinationType(Register)
    /// Keeps only the bits that are set in the mask.
    case mask(Register, [UInt8])
    case equal(Register, [UInt8])
    case notEqual(Register, [UInt8])
    /// Whether the key is in a set; with a register for its value, in a map.
    case lookUp(String, key: Register, value: Register?)
    case destinationNAT(address: Register, port: Register)
    case masquerade
    case verdict(Verdict)
  }
}
