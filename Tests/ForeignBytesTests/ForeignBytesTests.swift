import ForeignBytes
import Foundation
import TestSupport
import Testing

/// Bytes that the fuzzer has found to reach what others do not, as they are and with a few changes: nothing may crash, hang, or
/// change what it should not.
@Suite struct ForeignBytesTests {
  private static func corpus(_ target: ForeignBytes) throws -> [[UInt8]] {
    let root = String(#filePath.dropLast("Tests/ForeignBytesTests/ForeignBytesTests.swift".count))
    let directory = "\(root)Fuzz/ForeignBytes/corpus/\(target.rawValue)"
    let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    return try names.map { Array(try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\($0)"))) }
  }

  private func replay(_ target: ForeignBytes) throws {
    let files = try Self.corpus(target)
    #expect(!files.isEmpty)
    var random = SeededGenerator(seed: 5)
    for file in files {
      target.read(file)
      var changed = file
      for _ in 0..<3 where !changed.isEmpty {
        changed[Int.random(in: 0..<changed.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      target.read(changed)
      target.read(Array(file.prefix(Int.random(in: 0...file.count, using: &random))))
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: ForeignBytes.allCases.filter { !$0.isTar })
  func documentsAndMessages(target: ForeignBytes) throws { try replay(target) }

  @Test(.timeLimit(.minutes(1)), .privateNamespace, arguments: ForeignBytes.allCases.filter(\.isTar))
  func tars(target: ForeignBytes) throws { try replay(target) }
}
