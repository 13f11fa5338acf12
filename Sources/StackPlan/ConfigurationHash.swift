import InternetAddress
import StackModel

/// What a container was made from, in 128 bits: equal when a service need not be made anew.
///
/// Stable: the same on every machine and for every build that has the same properties in `Service`; a new optional property that
/// is not set changes nothing. Not a cryptographic hash.
package struct ConfigurationHash: Sendable, Hashable, Codable, CustomStringConvertible {
  /// 32 hexadecimal digits.
  package let description: String

  /// From what was stored; any text is accepted, and equals only itself.
  package init(stored description: String) {
    self.description = description
  }

  package init(from decoder: any Decoder) throws {
    description = try decoder.singleValueContainer().decode(String.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// - Parameter imageID: the digest of the image that `image:` stands for now; nil for other roots.
  package init(of service: Service, in stack: Stack, imageID: String?) throws {
    var subject = service
    // Only the order of starting: what runs already need not be made anew.
    subject.dependencies = []
    // Nor does it matter how many there are, and which of them this is.
    subject.name = service.serviceName
    subject.instance = nil
    subject.replicas = nil
    let networks = Self.networks(of: service, in: stack).map(\.name)
    let volumeKeys = Set(service.mounts.compactMap(\.volumeKey))
    let volumes = stack.volumes.filter { volumeKeys.contains($0.key) }.map(\.name)
    self.init(
      of: try CanonicalEncoder.bytes(
        Subject(project: stack.name, service: subject, imageID: imageID, networks: networks, volumes: volumes)))
  }

  /// Of the networks that a service is on: when they are others, its container is put on them without being made anew.
  ///
  /// - Parameter addresses: the plan; the networks' subnets count, not the address of the service, which an `up` may choose.
  package init(ofNetworksOf service: Service, in stack: Stack, addresses: AddressPlan) throws {
    let networks = Self.networks(of: service, in: stack).map {
      UsedNetwork(
        name: $0.name, isInternal: $0.isInternal, mtu: $0.mtu, addresses: addresses.networks[$0.key])
    }
    self.init(of: try CanonicalEncoder.bytes(networks))
  }

  private init(of bytes: [UInt8]) {
    var first = StableHash()
    var second = StableHash()
    // Another start makes another hash of the same bytes.
    second.combine(0x73)
    for byte in bytes {
      first.combine(byte)
      second.combine(byte)
    }
    description = StableHash.hexadecimal(first.value) + StableHash.hexadecimal(second.value)
  }

  private struct Subject: Encodable {
    let project: String
    let service: Service
    let imageID: String?
    let networks: [String]
    let volumes: [String]
  }

  private struct UsedNetwork: Encodable {
    let name: String
    let isInternal: Bool
    let mtu: Int?
    let addresses: AddressPlan.NetworkAddresses?
  }

  private static func networks(of service: Service, in stack: Stack) -> [Network] {
    guard case .networks(let attachments) = service.networkMode else { return [] }
    let keys = Set(attachments.map(\.network))
    return stack.networks.filter { keys.contains($0.key) }
  }
}

extension Mount {
  fileprivate var volumeKey: String? {
    if case .volume(let key) = source { key } else { nil }
  }
}
