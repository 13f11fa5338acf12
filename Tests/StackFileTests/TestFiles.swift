import Glibc

/// Files of the repository that tests read.
enum TestFiles {
  static let root = String(#filePath.dropLast("Tests/StackFileTests/TestFiles.swift".count))

  /// nil when there is no such file.
  static func contents(_ path: String) -> String? {
    guard let stream = fopen(root + path, "r") else { return nil }
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
