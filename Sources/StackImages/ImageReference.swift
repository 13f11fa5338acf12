import LinuxArchive

/// The name of an image: `[registry/]repository[:tag][@digest]`, where `alpine` is `docker.io/library/alpine:latest`.
package struct ImageReference: Hashable, Sendable {
  private static let defaultRegistry = "docker.io"
  private static let officialPrefix = "docker.io/library/"
  private static let longestName = 255
  private static let longestTag = 128

  /// With the registry, for example `docker.io/library/alpine`.
  package let repository: String
  /// `latest` when the reference names neither a tag nor a digest.
  package let tag: String?
  package let digest: Digest?

  package init(_ text: String) throws(ImageError) {
    func refuse(_ reason: String) -> ImageError {
      ImageError(.invalidReference, "\"\(text)\" is not the name of an image: \(reason)")
    }
    var name = text[...]
    var digest: Digest?
    if let at = name.firstIndex(of: "@") {
      digest = Digest(name[name.index(after: at)...])
      if digest == nil { throw refuse("a digest is sha256: and 64 hexadecimal digits") }
      name = name[..<at]
    }
    var tag: String?
    // A colon before a slash belongs to the port of a registry.
    if let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") {
      tag = String(name[name.index(after: colon)...])
      name = name[..<colon]
    }
    if let tag, !Self.isTag(tag) {
      throw refuse("a tag has up to \(Self.longestTag) letters, digits, '_', '.' and '-', the first no '.' or '-'")
    }
    repository = Self.withRegistry(String(name))
    self.digest = digest
    self.tag = tag ?? (digest == nil ? "latest" : nil)
    if repository.utf8.count > Self.longestName { throw refuse("it is longer than \(Self.longestName) bytes") }
    let components = repository.split(separator: "/", omittingEmptySubsequences: false)
    guard let registry = components.first, Self.isRegistry(registry),
      components.dropFirst().allSatisfy(Self.isComponent)
    else {
      throw refuse("use lower-case letters and digits, with '.', '_', '__' or '-' between them, and '/' between parts")
    }
  }

  init(repository: String, tag: String) {
    self.repository = repository
    self.tag = tag
    digest = nil
  }

  /// As people write it: without the default registry. The tag is always there.
  package var familiar: String {
    var name = repository
    if name.hasPrefix(Self.officialPrefix) {
      name.removeFirst(Self.officialPrefix.count)
    } else if name.hasPrefix(Self.defaultRegistry + "/") {
      name.removeFirst(Self.defaultRegistry.count + 1)
    }
    return name + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
  }

  /// In full.
  package var canonical: String { repository + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "") }

  private static func withRegistry(_ name: String) -> String {
    let first = name.prefix { $0 != "/" }
    if first.count == name.count { return officialPrefix + name }
    if first == "index.docker.io" { return withRegistry(defaultRegistry + name.dropFirst(first.count)) }
    if first == defaultRegistry {
      let rest = name.dropFirst(first.count + 1)
      return rest.contains("/") ? name : officialPrefix + rest
    }
    let isRegistry = first.contains(".") || first.contains(":") || first == "localhost"
    return isRegistry ? name : "\(defaultRegistry)/\(name)"
  }

  private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || isDigit(byte)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    isLowerOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
  }

  private static func isTag(_ tag: String) -> Bool {
    let separators = Array("_.-".utf8)
    guard let first = tag.utf8.first, isLetterOrDigit(first) || first == separators[0] else { return false }
    return tag.utf8.count <= longestTag && tag.utf8.allSatisfy { isLetterOrDigit($0) || separators.contains($0) }
  }

  /// A host name or address, with a port perhaps.
  private static func isRegistry(_ registry: Substring) -> Bool {
    let parts = registry.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, let host = parts.first else { return false }
    if parts.count == 2, parts[1].isEmpty || !parts[1].utf8.allSatisfy(isDigit) { return false }
    return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      guard let first = label.utf8.first, let last = label.utf8.last else { return false }
      return isLetterOrDigit(first) && isLetterOrDigit(last)
        && label.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
    }
  }

  /// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` (OCI distribution specification).
  private static func isComponent(_ component: Substring) -> Bool {
    guard let first = component.utf8.first, let last = component.utf8.last, isLowerOrDigit(first), isLowerOrDigit(last)
    else { return false }
    let separators = component.utf8.split(omittingEmptySubsequences: true, whereSeparator: isLowerOrDigit)
    return separators.allSatisfy { separator in
      separator.elementsEqual(".".utf8) || separator.elementsEqual("_".utf8) || separator.elementsEqual("__".utf8)
        || separator.allSatisfy { $0 == UInt8(ascii: "-") }
    }
  }
}
