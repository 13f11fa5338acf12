import Glibc
import Testing

@testable import StackFile

/// What is generated from the table of keys is checked in, and must not drift from it.
///
/// `STACK_UPDATE_GENERATED=1 swift test --filter GeneratedFileTests` writes the files anew.
@Suite struct GeneratedFileTests {
  private static let root = String(#filePath.dropLast("Tests/StackFileTests/GeneratedFileTests.swift".count))

  @Test func schema() {
    check("schemas/stack.schema.json", StackFileSchema.json())
  }

  @Test func reference() {
    check("docs/stack-file.md", StackFileReference.markdown())
  }

  private func check(_ path: String, _ text: String) {
    let file = Self.root + path
    if getenv("STACK_UPDATE_GENERATED") != nil, let stream = fopen(file, "w") {
      fputs(text, stream)
      fclose(stream)
    }
    #expect(Self.contents(file) == text, "\(path) is not what the table of keys gives: see this test's comment")
  }

  static func contents(_ path: String) -> String? {
    guard let stream = fopen(path, "r") else { return nil }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&buffer, 1, buffer.count, stream)
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }
}
