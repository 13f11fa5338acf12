import JSONDocument
import LinuxSystem
import Testing

@testable import StackOCI

/// The runtime specification's own cases.
@Suite struct SchemaCaseTests {
  private static let directory =
    #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" }
    + "/Fixtures/runtime-spec"

  private static func cases(_ kind: String) -> [String] {
    let names = (try? Files.names(in: "\(directory)/\(kind)")) ?? []
    return names.sorted().map { "\(directory)/\(kind)/\($0)" }
  }

  @Test func theCasesAreThere() {
    #expect(Self.cases("config/good").count == 9)
    #expect(Self.cases("config/bad").count == 5)
  }

  @Test(arguments: cases("config/good")) func whatIsGoodIsRead(_ path: String) throws {
    let configuration = try OCIConfiguration(bytes: try Files.readAll(path))
    #expect(!configuration.rootPath.isEmpty)
  }

  @Test(arguments: cases("config/bad")) func whatIsBadIsRefused(_ path: String) throws {
    let bytes = try Files.readAll(path)
    #expect(throws: OCIConfigurationError.self) { try OCIConfiguration(bytes: bytes) }
  }

  @Test(arguments: cases("state/good")) func aStateHasWhatItMustHave(_ path: String) throws {
    let good = try JSON(bytes: try Files.readAll(path))
    let record = ContainerRecord(
      id: "x", bundle: "/b", rootDirectory: "/b/r", process: try ProcessIdentity.current(), annotations: ["a": "b"],
      cgroup: ["x"])
    guard case .object(let members) = good else {
      Issue.record("no object")
      return
    }
    let own = JSON.object(record.state(.running, pid: 5))
    for member in members { #expect(own[member.name] != nil, "\(member.name)") }
  }

  @Test(arguments: cases("state/bad")) func whatIsNoDocumentIsRefused(_ path: String) throws {
    let bytes = try Files.readAll(path)
    #expect(throws: JSONError.self) { try JSON(bytes: bytes) }
  }
}
