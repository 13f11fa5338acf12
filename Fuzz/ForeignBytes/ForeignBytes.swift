import Glibc
import InternetAddress
import IsolationEngine
import JSONDocument
import LinuxArchive
import LinuxCapabilities
import LinuxSeccomp
import LinuxSystem
import StackDNS
import StackEngine
import StackImages
import StackOCI
import StackStore
import SystemPackage

/// What comes from others, and who reads it. Any bytes must give a value or an error, in time and memory that their number
/// bounds, and change nothing but what they are meant to.
///
/// The fuzzer calls this with bytes of its own, the tests with those that it has found.
package enum ForeignBytes: String, CaseIterable, Sendable {
  /// A layer of an image, or what `cp` unpacks.
  case tar
  /// An image archive: a docker archive or an OCI layout, as a tar.
  case image
  /// config.json of a bundle.
  case bundle
  /// A seccomp profile.
  case seccomp
  /// A question to the name server.
  case dns
  /// Records that processes of the engine tell each other or leave on the disk.
  case records

  package func read(_ given: [UInt8]) {
    let bytes = isTar ? Self.withSums(given) : given
    switch self {
    case .tar:
      inDirectory { directory in
        let target = try Files.open(directory, O_RDONLY | O_DIRECTORY)
        let recipe = try Files.memory(named: "recipe")
        _ = try LayerUnpacking.unpack(
          FileSource(try Self.file(bytes), count: UInt64(bytes.count)), into: target.borrowed, recipe: recipe.borrowed,
          limits: UnpackLimits(bytes: 1 << 20))
      }
      inDirectory { directory in
        let target = try Files.open(directory, O_RDONLY | O_DIRECTORY)
        try TreeUnpacking.unpack(
          FileSource(stream: try Self.file(bytes)), into: target.borrowed, owner: .archived, ownerOffset: 1000)
      }
    case .image:
      inDirectory { directory in
        let path = "\(directory)/image"
        try Files.replace(path, with: bytes)
        _ = try ImageStore(dataDirectory: "\(directory)/data").load(from: path)
      }
    case .bundle: _ = try? OCIConfiguration(bytes: bytes)
    case .seccomp:
      guard let profile = try? SeccompProfile(json: bytes, source: "profile") else { return }
      _ = try? profile.compile(capabilities: .containerDefault, kernel: KernelVersion(6, 1))
    case .dns: Self.answer(bytes)
    case .records:
      Self.decode(ContainerSpecification.self, bytes)
      Self.decode(ContainerRecord.self, bytes)
      Self.decode(NetworkRecord.self, bytes)
      Self.decode(LifeRecord.self, bytes)
      Self.decode(ShimRequest.self, bytes)
      Self.decode(ShimMessage.self, bytes)
      Self.decode(LaunchError.self, bytes)
      Self.decode(CompiledFilter.self, bytes)
      Self.decode(RecordedCalls.self, bytes)
    }
  }

  /// As root, for the owners of files.
  package var isTar: Bool { self == .tar || self == .image }

  /// A tar that was changed anywhere, with the sums in its headers made right: otherwise none of the changes would be seen.
  private static func withSums(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for start in stride(from: 0, to: bytes.count - 511, by: 512)
    where bytes[(start + 257)...].starts(with: "ustar".utf8) {
      bytes.replaceSubrange((start + 148)..<(start + 156), with: repeatElement(0x20, count: 8))
      let sum = String(bytes[start..<(start + 512)].reduce(0) { $0 + Int($1) }, radix: 8)
      let digits = repeatElement(UInt8(ascii: "0"), count: 6 - sum.utf8.count) + Array(sum.utf8) + [0]
      bytes.replaceSubrange((start + 148)..<(start + 155), with: digits)
    }
    return bytes
  }

  /// What is read is written again as it was.
  private static func decode<Record: WireCodable>(_: Record.Type, _ bytes: [UInt8]) {
    guard let record = try? Record(wireBytes: bytes) else { return }
    guard let again = try? Record(wireBytes: record.wireBytes), again.wireBytes == record.wireBytes else {
      fatalError("\(Record.self): written and read again, it is something else")
    }
  }

  private static func answer(_ bytes: [UInt8]) {
    guard let subnet = IPv4Subnet("10.0.0.0/24") else { return }
    let network = NameTable.Network(key: "n", name: "stack_n", subnet: subnet, isInternal: bytes.first == 1)
    let endpoint = NameTable.Endpoint(
      container: "c", network: "n", address: IPv4Address(value: 0x0a00_0002), names: ["stack-web-1", "web", "c"])
    let table = NameTable(networks: [network], endpoints: [endpoint], knownNames: ["web", "gone"])
    do throws(DNSQuery.Problem) {
      let query = try DNSQuery(bytes)
      guard case .answer(let answer) = table.reply(to: query, from: endpoint.address, rotation: 1) else { return }
      let response = DNSResponse.bytes(answer, to: query, limit: query.payloadSize)
      guard response.count <= query.payloadSize, response.starts(with: bytes.prefix(2)) else {
        fatalError("an answer of \(response.count) bytes that is not the question's")
      }
    } catch {
      _ = DNSResponse.bytes(error)
    }
  }

  private static func file(_ bytes: [UInt8]) throws -> SharedDescriptor {
    let file = try Files.memory(named: "input")
    try Files.write(file.borrowed, at: 0, bytes)
    return SharedDescriptor(file)
  }

  /// In a directory that is empty before and gone afterwards; beside it is one that nothing may change.
  private func inDirectory(_ body: (String) throws -> Void) {
    do {
      let root = try Files.open(Self.place, O_RDONLY | O_DIRECTORY)
      try Files.removeTree("work", in: root.borrowed)
      try Files.makeDirectory("work", in: root.borrowed, mode: 0o700)
      // Refusing is as good as taking.
      try? body("\(Self.place)/work")
      guard try Files.names(in: Self.place).sorted() == ["keep", "work"], try Files.text("\(Self.place)/keep") == "kept"
      else { fatalError("something outside has changed") }
    } catch {
      fatalError("\(error)")
    }
  }

  private static let place: String = {
    var template = Array("/tmp/stack-fuzz-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { fatalError("no temporary directory") }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    do {
      try Files.replace("\(path)/keep", with: Array("kept".utf8))
    } catch {
      fatalError("\(error)")
    }
    return path
  }()
}
