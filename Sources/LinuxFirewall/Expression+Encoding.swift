import CNetlink
import LinuxNetlink

extension Rule.Register {
  fileprivate var number: UInt32 { NFT_REG32_00.rawValue + word }
}

extension Rule.Expression {
  /// Adds the expression's name and attributes.
  func add(to message: NetlinkMessage) {
    switch self {
    case .inputInterfaceName(let register): meta(NFT_META_IIFNAME, register, message)
    case .outputInterfaceName(let register): meta(NFT_META_OIFNAME, register, message)
    case .transportProtocol(let register): meta(NFT_META_L4PROTO, register, message)
    case .linkHeader(let offset, let length, let register):
      payload(NFT_PAYLOAD_LL_HEADER, offset, length, register, message)
    case .networkHeader(let offset, let length, let register):
      payload(NFT_PAYLOAD_NETWORK_HEADER, offset, length, register, message)
    case .transportHeader(let offset, let length, let register):
      payload(NFT_PAYLOAD_TRANSPORT_HEADER, offset, length, register, message)
    case .connectionState(let register): connection(NFT_CT_STATE, register, message)
    case .connectionStatus(let register): connection(NFT_CT_STATUS, register, message)
    case .destinationType(let register): destinationType(register, message)
    case .mask(let register, let mask): bitwise(register, mask, message)
    case .equal(let register, let value): compare(NFT_CMP_EQ, register, value, message)
    case .notEqual(let register, let value): compare(NFT_CMP_NEQ, register, value, message)
    case .lookUp(let set, let key, let value): lookUp(set, key, value, message)
    case .destinationNAT(let address, let port): destinationNAT(address, port, message)
    case .masquerade: expression("masq", message) {}
    case .verdict(.refuse):
      expression("reject", message) {
        message.put(NFTA_REJECT_TYPE.rawValue, network: NFT_REJECT_ICMP_UNREACH.rawValue)
        message.put(NFTA_REJECT_ICMP_CODE.rawValue, [administrativelyProhibited])
      }
    case .verdict(.reset):
      expression("reject", message) { message.put(NFTA_REJECT_TYPE.rawValue, network: NFT_REJECT_TCP_RST.rawValue) }
    case .verdict(let verdict): immediate(verdict, message)
    }
  }

  private func expression(_ name: String, _ message: NetlinkMessage, _ attributes: () -> Void) {
    message.put(NFTA_EXPR_NAME.rawValue, name)
    message.nest(NFTA_EXPR_DATA.rawValue, attributes)
  }

  private func meta(_ key: nft_meta_keys, _ register: Rule.Register, _ message: NetlinkMessage) {
    expression("meta", message) {
      message.put(NFTA_META_KEY.rawValue, network: key.rawValue)
      message.put(NFTA_META_DREG.rawValue, network: register.number)
    }
  }

  private func payload(
    _ base: nft_payload_bases, _ offset: UInt32, _ length: UInt32, _ register: Rule.Register, _ message: NetlinkMessage
  ) {
    expression("payload", message) {
      message.put(NFTA_PAYLOAD_DREG.rawValue, network: register.number)
      message.put(NFTA_PAYLOAD_BASE.rawValue, network: base.rawValue)
      message.put(NFTA_PAYLOAD_OFFSET.rawValue, network: offset)
      message.put(NFTA_PAYLOAD_LEN.rawValue, network: length)
    }
  }

  private func connection(_ key: nft_ct_keys, _ register: Rule.Register, _ message: NetlinkMessage) {
    expression("ct", message) {
      message.put(NFTA_CT_DREG.rawValue, network: register.number)
      message.put(NFTA_CT_KEY.rawValue, network: key.rawValue)
    }
  }

  private func destinationType(_ register: Rule.Register, _ message: NetlinkMessage) {
    expression("fib", message) {
      message.put(NFTA_FIB_DREG.rawValue, network: register.number)
      message.put(NFTA_FIB_RESULT.rawValue, network: NFT_FIB_RESULT_ADDRTYPE.rawValue)
      message.put(NFTA_FIB_FLAGS.rawValue, network: NFTA_FIB_F_DADDR.rawValue)
    }
  }

  private func bitwise(_ register: Rule.Register, _ mask: [UInt8], _ message: NetlinkMessage) {
    expression("bitwise", message) {
      message.put(NFTA_BITWISE_SREG.rawValue, network: register.number)
      message.put(NFTA_BITWISE_DREG.rawValue, network: register.number)
      message.put(NFTA_BITWISE_LEN.rawValue, network: UInt32(mask.count))
      message.put(value: mask, NFTA_BITWISE_MASK.rawValue)
      message.put(value: [UInt8](repeating: 0, count: mask.count), NFTA_BITWISE_XOR.rawValue)
    }
  }

  private func compare(
    _ operation: nft_cmp_ops, _ register: Rule.Register, _ value: [UInt8], _ message: NetlinkMessage
  ) {
    expression("cmp", message) {
      message.put(NFTA_CMP_SREG.rawValue, network: register.number)
      message.put(NFTA_CMP_OP.rawValue, network: operation.rawValue)
      message.put(value: value, NFTA_CMP_DATA.rawValue)
    }
  }

  private func lookUp(_ set: String, _ key: Rule.Register, _ value: Rule.Register?, _ message: NetlinkMessage) {
    expression("lookup", message) {
      message.put(NFTA_LOOKUP_SET.rawValue, set)
      message.put(NFTA_LOOKUP_SREG.rawValue, network: key.number)
      if let value { message.put(NFTA_LOOKUP_DREG.rawValue, network: value.number) }
    }
  }

  private func destinationNAT(_ address: Rule.Register, _ port: Rule.Register, _ message: NetlinkMessage) {
    expression("nat", message) {
      message.put(NFTA_NAT_TYPE.rawValue, network: NFT_NAT_DNAT.rawValue)
      message.put(NFTA_NAT_FAMILY.rawValue, network: UInt32(NFPROTO_IPV4))
      message.put(NFTA_NAT_REG_ADDR_MIN.rawValue, network: address.number)
      message.put(NFTA_NAT_REG_PROTO_MIN.rawValue, network: port.number)
    }
  }

  private func immediate(_ verdict: Rule.Verdict, _ message: NetlinkMessage) {
    expression("immediate", message) {
      message.put(NFTA_IMMEDIATE_DREG.rawValue, network: NFT_REG_VERDICT.rawValue)
      message.nest(NFTA_IMMEDIATE_DATA.rawValue) {
        message.nest(NFTA_DATA_VERDICT.rawValue) {
          message.put(NFTA_VERDICT_CODE.rawValue, network: verdict.code)
          if case .goTo(let chain) = verdict { message.put(NFTA_VERDICT_CHAIN.rawValue, chain) }
        }
      }
    }
  }
}

/// ICMP_PKT_FILTERED (linux/icmp.h).
private let administrativelyProhibited: UInt8 = 13

extension Rule.Verdict {
  fileprivate var code: UInt32 {
    switch self {
    case .accept: UInt32(NF_ACCEPT)
    // Refusals drop too; they have an expression of their own.
    case .drop, .refuse, .reset: UInt32(NF_DROP)
    case .goTo: UInt32(bitPattern: NFT_GOTO.rawValue)
    }
  }
}
