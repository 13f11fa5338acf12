import CNetlink
import InternetAddress
import SystemPackage

/// An object of libnl-route (a link, an address or a route), released with its owner.
@safe struct RouteObject: ~Copyable {
  let pointer: OpaquePointer

  /// Takes over what an `rtnl_…_alloc` function returned.
  @unsafe init(_ allocated: OpaquePointer?, _ intent: String) throws(NetlinkError) {
    guard let allocated = unsafe allocated else { throw NetlinkError(intent, .noMemory) }
    unsafe pointer = allocated
  }

  /// The object that a message of rtnetlink tells of; nil when libnl-route cannot make one of it.
  init?(_ reply: NetlinkReply) {
    var object: OpaquePointer?
    unsafe reply.bytes.withUnsafeBytes { bytes in
      // nlmsg_convert copies, and does not write to what it is given.
      let header = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: nlmsghdr.self)
      guard let message = unsafe nlmsg_convert(header) else { return }
      unsafe nlmsg_set_proto(message, NETLINK_ROUTE)
      unsafe nl_msg_parse(
        message,
        { parsed, context in
          unsafe nl_object_get(parsed)
          unsafe context?.assumingMemoryBound(to: OpaquePointer?.self).pointee = parsed
        }, &object)
      unsafe nlmsg_free(message)
    }
    guard let object = unsafe object else { return nil }
    unsafe pointer = object
  }

  deinit {
    unsafe nl_object_put(pointer)
  }
}

/// An address of any family as libnl has it (`nl_addr`), released with its owner.
@safe struct AddressObject: ~Copyable {
  let pointer: OpaquePointer

  init(_ address: MACAddress, _ intent: String) throws(NetlinkError) {
    try self.init(AF_LLC, address.octets, intent)
  }

  init(_ address: IPv4Address, prefixLength: Int = 32, _ intent: String) throws(NetlinkError) {
    let octets = (0..<4).map { UInt8(truncatingIfNeeded: address.value >> (24 - 8 * UInt32($0))) }
    try self.init(AF_INET, octets, intent)
    unsafe nl_addr_set_prefixlen(pointer, CInt(prefixLength))
  }

  private init(_ family: CInt, _ octets: [UInt8], _ intent: String) throws(NetlinkError) {
    guard let address = unsafe nl_addr_build(family, octets, octets.count) else {
      throw NetlinkError(intent, .noMemory)
    }
    unsafe pointer = address
  }

  deinit {
    unsafe nl_addr_put(pointer)
  }

  /// The octets of an address that belongs to another object.
  @unsafe static func octets(of address: OpaquePointer?) -> [UInt8] {
    guard let address = unsafe address, let start = unsafe nl_addr_get_binary_addr(address) else { return [] }
    return unsafe Array(UnsafeRawBufferPointer(start: start, count: Int(nl_addr_get_len(address))))
  }

  /// The IPv4 address and prefix length of an address that belongs to another object; nil for another family.
  @unsafe static func network(of address: OpaquePointer?) -> (address: IPv4Address, prefixLength: Int)? {
    guard let address = unsafe address, unsafe nl_addr_get_family(address) == AF_INET else { return nil }
    // libnl keeps the address of a default route without octets.
    let value = unsafe octets(of: address).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return unsafe (IPv4Address(value: value), Int(nl_addr_get_prefixlen(address)))
  }
}
