import CNetlink
import Glibc
import LinuxNetlink

extension Ruleset {
  /// The part of a transaction that makes the table, or gives the one that has its name these rules and elements.
  ///
  /// Chains and sets that are there stay the same objects, with new contents. A packet that is under way keeps to the rules
  /// it started with, but looks into sets as they are at that moment: in those of a table that is being removed it would find
  /// nothing, and a new connection to a published port be refused. What the table has beyond this is left, out of use.
  ///
  /// The kernel refuses it (`EEXIST`, `EOPNOTSUPP`) when a chain or a set that is there is of another kind.
  package func update() throws(NetlinkError) -> [NetlinkMessage] {
    var messages = [try TableMessage.add(table)]
    messages += try objects()
    messages.append(try TableMessage.flushRules(table))
    for set in sets { messages.append(try set.flushMessage(in: table)) }
    return messages + (try contents())
  }

  /// The part of a transaction that puts a new table in the place of whatever has its name.
  package func replacement() throws(NetlinkError) -> [NetlinkMessage] {
    // A table that is not there cannot be deleted: it is added first, which for one that is there changes nothing.
    var messages = [try TableMessage.add(table), try TableMessage.delete(table), try TableMessage.add(table)]
    messages += try objects()
    return messages + (try contents())
  }

  /// Sets and chains, empty: rules name them.
  private func objects() throws(NetlinkError) -> [NetlinkMessage] {
    var messages: [NetlinkMessage] = []
    for (index, set) in sets.enumerated() { messages.append(try set.message(in: table, id: UInt32(index + 1))) }
    for chain in chains { messages.append(try chain.message(in: table)) }
    return messages
  }

  private func contents() throws(NetlinkError) -> [NetlinkMessage] {
    var messages: [NetlinkMessage] = []
    for set in sets { messages += try set.elementMessages(in: table) }
    for chain in chains {
      for rule in chain.rules { messages.append(try rule.message(in: table, chain: chain.name)) }
    }
    return messages
  }
}

/// Messages of the subsystem nftables (linux/netfilter/nf_tables.h) about tables, and the frame of a transaction.
enum TableMessage {
  static func begin() throws(NetlinkError) -> NetlinkMessage {
    try frame(NFNL_MSG_BATCH_BEGIN)
  }

  static func end() throws(NetlinkError) -> NetlinkMessage {
    try frame(NFNL_MSG_BATCH_END)
  }

  static func add(_ table: TableName) throws(NetlinkError) -> NetlinkMessage {
    let message = try make(
      "add nftables table \(table)", NFT_MSG_NEWTABLE, flags: NLM_F_CREATE, family: table.family.rawValue)
    message.put(NFTA_TABLE_NAME.rawValue, table.name)
    return message
  }

  static func delete(_ table: TableName) throws(NetlinkError) -> NetlinkMessage {
    let message = try make("delete nftables table \(table)", NFT_MSG_DELTABLE, family: table.family.rawValue)
    message.put(NFTA_TABLE_NAME.rawValue, table.name)
    return message
  }

  /// Removes every rule; chains stay.
  static func flushRules(_ table: TableName) throws(NetlinkError) -> NetlinkMessage {
    let message = try make(
      "remove the rules of nftables table \(table)", NFT_MSG_DELRULE, family: table.family.rawValue)
    message.put(NFTA_RULE_TABLE.rawValue, table.name)
    return message
  }

  /// The tables of all families.
  static func list() throws(NetlinkError) -> NetlinkMessage {
    try make("list nftables tables", NFT_MSG_GETTABLE, query: true, family: UInt8(NFPROTO_UNSPEC))
  }

  /// The chains of all families.
  static func chains() throws(NetlinkError) -> NetlinkMessage {
    try make("list nftables chains", NFT_MSG_GETCHAIN, query: true, family: UInt8(NFPROTO_UNSPEC))
  }

  static func rules(of table: String, _ chain: String, family: UInt8) throws(NetlinkError) -> NetlinkMessage {
    let message = try make("list nftables rules", NFT_MSG_GETRULE, query: true, family: family)
    message.put(NFTA_RULE_TABLE.rawValue, table)
    message.put(NFTA_RULE_CHAIN.rawValue, chain)
    return message
  }

  static func make(
    _ intent: String, _ type: nf_tables_msg_types, flags: CInt = 0, query: Bool = false,
    family: UInt8 = UInt8(NFPROTO_IPV4)
  ) throws(NetlinkError) -> NetlinkMessage {
    let type = UInt32(NFNL_SUBSYS_NFTABLES) << 8 | type.rawValue
    let message = try NetlinkMessage(intent, type: type, flags: flags, query: query)
    message.append(nfgenmsg(nfgen_family: family, version: UInt8(NFNETLINK_V0), res_id: 0))
    return message
  }

  private static func frame(_ type: CInt) throws(NetlinkError) -> NetlinkMessage {
    let message = try NetlinkMessage("change nftables", type: type)
    message.append(
      nfgenmsg(
        nfgen_family: UInt8(AF_UNSPEC), version: UInt8(NFNETLINK_V0), res_id: UInt16(NFNL_SUBSYS_NFTABLES).bigEndian))
    return message
  }
}

extension NamedSet {
  fileprivate func message(in table: TableName, id: UInt32) throws(NetlinkError) -> NetlinkMessage {
    let intent = "add set \(name) to nftables table \(table)"
    let message = try TableMessage.make(intent, NFT_MSG_NEWSET, flags: NLM_F_CREATE, family: table.family.rawValue)
    message.put(NFTA_SET_TABLE.rawValue, table.name)
    message.put(NFTA_SET_NAME.rawValue, name)
    message.put(NFTA_SET_FLAGS.rawValue, network: value.isEmpty ? 0 : NFT_SET_MAP.rawValue)
    message.put(NFTA_SET_KEY_TYPE.rawValue, network: Self.code(key))
    message.put(NFTA_SET_KEY_LEN.rawValue, network: Self.length(key))
    if !value.isEmpty {
      message.put(NFTA_SET_DATA_TYPE.rawValue, network: Self.code(value))
      message.put(NFTA_SET_DATA_LEN.rawValue, network: Self.length(value))
    }
    message.put(NFTA_SET_ID.rawValue, network: id)
    if key == [.interfaceName] {
      // Read by nft alone, to show the names: NFTNL_UDATA_SET_KEYBYTEORDER (0), its length, the machine's own order (1).
      message.put(NFTA_SET_USERDATA.rawValue, [0, 4] + Bytes.native(1))
    }
    return message
  }

  /// Removes every element.
  fileprivate func flushMessage(in table: TableName) throws(NetlinkError) -> NetlinkMessage {
    let intent = "remove the elements of set \(name) of nftables table \(table)"
    let message = try TableMessage.make(intent, NFT_MSG_DELSETELEM, family: table.family.rawValue)
    message.put(NFTA_SET_ELEM_LIST_TABLE.rawValue, table.name)
    message.put(NFTA_SET_ELEM_LIST_SET.rawValue, name)
    return message
  }

  /// As many messages as it takes: what an attribute holds is below 64 KiB.
  fileprivate func elementMessages(in table: TableName) throws(NetlinkError) -> [NetlinkMessage] {
    let limit = 512
    var messages: [NetlinkMessage] = []
    for start in stride(from: 0, to: elements.count, by: limit) {
      let intent = "add elements to set \(name) of nftables table \(table)"
      let message = try TableMessage.make(
        intent, NFT_MSG_NEWSETELEM, flags: NLM_F_CREATE, family: table.family.rawValue)
      message.put(NFTA_SET_ELEM_LIST_TABLE.rawValue, table.name)
      message.put(NFTA_SET_ELEM_LIST_SET.rawValue, name)
      message.nest(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue) {
        for element in elements[start..<min(start + limit, elements.count)] {
          message.nest(NFTA_LIST_ELEM.rawValue) {
            message.put(value: element.key, NFTA_SET_ELEM_KEY.rawValue)
            if !element.value.isEmpty { message.put(value: element.value, NFTA_SET_ELEM_DATA.rawValue) }
          }
        }
      }
      messages.append(message)
    }
    return messages
  }

  /// nft's number of a concatenation: six bits for each type.
  private static func code(_ types: [DataType]) -> UInt32 {
    types.reduce(0) { $0 << 6 | $1.rawValue }
  }

  private static func length(_ types: [DataType]) -> UInt32 {
    UInt32(types.reduce(0) { $0 + $1.length })
  }
}

extension Chain {
  fileprivate func message(in table: TableName) throws(NetlinkError) -> NetlinkMessage {
    let intent = "add chain \(name) to nftables table \(table)"
    let message = try TableMessage.make(intent, NFT_MSG_NEWCHAIN, flags: NLM_F_CREATE, family: table.family.rawValue)
    message.put(NFTA_CHAIN_TABLE.rawValue, table.name)
    message.put(NFTA_CHAIN_NAME.rawValue, name)
    if let hook {
      message.nest(NFTA_CHAIN_HOOK.rawValue) {
        message.put(NFTA_HOOK_HOOKNUM.rawValue, network: hook.point.rawValue)
        message.put(NFTA_HOOK_PRIORITY.rawValue, network: UInt32(bitPattern: hook.priority))
      }
      message.put(NFTA_CHAIN_POLICY.rawValue, network: UInt32(NF_ACCEPT))
      message.put(NFTA_CHAIN_TYPE.rawValue, hook.kind.rawValue)
    }
    return message
  }
}

extension Rule {
  fileprivate func message(in table: TableName, chain: String) throws(NetlinkError) -> NetlinkMessage {
    let intent = "add the rule “\(comment)” to chain \(chain) of nftables table \(table)"
    let message = try TableMessage.make(
      intent, NFT_MSG_NEWRULE, flags: NLM_F_CREATE | NLM_F_APPEND, family: table.family.rawValue)
    message.put(NFTA_RULE_TABLE.rawValue, table.name)
    message.put(NFTA_RULE_CHAIN.rawValue, chain)
    message.nest(NFTA_RULE_EXPRESSIONS.rawValue) {
      for expression in expressions {
        message.nest(NFTA_LIST_ELEM.rawValue) { expression.add(to: message) }
      }
    }
    // What nft reads as a comment: type 0, length, text with its zero.
    let text = Array(comment.utf8.prefix(127)) + [0]
    message.put(NFTA_RULE_USERDATA.rawValue, [0, UInt8(text.count)] + text)
    return message
  }
}

extension NetlinkMessage {
  /// A datum nested in an attribute.
  func put(value: [UInt8], _ attribute: UInt32) {
    nest(attribute) { put(NFTA_DATA_VALUE.rawValue, value) }
  }
}
