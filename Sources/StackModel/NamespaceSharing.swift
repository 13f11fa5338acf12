/// A namespace that a container does not have for itself (`pid`, `ipc`).
package enum NamespaceSharing: Sendable, Hashable, Codable {
  case host
  case service(String)

  package var owner: String? {
    switch self {
    case .host: nil
    case .service(let name): name
    }
  }
}

extension Service {
  /// The service in whose network namespace it lives.
  package var networkOwner: String? {
    if case .service(let name) = networkMode { name } else { nil }
  }

  /// The services in whose namespaces it lives: they start before it, and when one of them starts anew, so does it.
  package var namespaceOwners: [String] {
    var owners: [String] = []
    for owner in [networkOwner, pid?.owner, ipc?.owner].compactMap({ $0 }) where !owners.contains(owner) {
      owners.append(owner)
    }
    return owners
  }
}
