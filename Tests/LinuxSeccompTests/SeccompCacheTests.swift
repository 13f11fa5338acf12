import LinuxCapabilities
import LinuxSeccomp
import LinuxSystem
import TestSupport
import Testing

@Suite struct SeccompCacheTests {
  static let profile = SeccompProfile(defaultAction: .errno(1), rules: [SeccompRule(.allow, ["read", "write"])])

  @Test func keptFilterIsUsed() throws {
    try withTemporaryDirectory { directory in
      let cache = SeccompCache(directory: "\(directory)/a/b")
      let compiled = try cache.filter(for: Self.profile, capabilities: [])
      let names = try Files.names(in: "\(directory)/a/b")
      let file = "\(directory)/a/b/\(try #require(names.first))"
      // Keeping a filter replaces the file: the same inode afterwards means that it was read.
      let inode = try Files.status(file).st_ino
      #expect(try cache.filter(for: Self.profile, capabilities: []) == compiled)
      #expect(try Files.status(file).st_ino == inode)
      #expect(try Files.names(in: "\(directory)/a/b") == names)
    }
  }

  @Test func eachInputHasItsFile() throws {
    try withTemporaryDirectory { directory in
      let cache = SeccompCache(directory: directory)
      var other = Self.profile
      other.refusals = [SeccompRefusal("ioctl", argument: 1, values: [1])]
      _ = try cache.filter(for: Self.profile, capabilities: [])
      _ = try cache.filter(for: Self.profile, capabilities: .kill)
      _ = try cache.filter(for: other, capabilities: [])
      #expect(try Files.names(in: directory).count == 3)
    }
  }

  @Test(arguments: [0, 5, 40, -9, -1])
  func damagedFilesAreCompiledAgain(offset: Int) throws {
    try withTemporaryDirectory { directory in
      let cache = SeccompCache(directory: directory)
      let compiled = try cache.filter(for: Self.profile, capabilities: [])
      let path = "\(directory)/\(try #require(try Files.names(in: directory).first))"
      let good = try Files.readAll(path)
      var bad = good
      bad[offset < 0 ? bad.count + offset : offset] ^= 0x10
      try Files.replace(path, with: bad)
      #expect(try cache.filter(for: Self.profile, capabilities: []) == compiled)
      #expect(try Files.readAll(path) == good)
      for length in [0, 4, 8, good.count / 2, good.count - 1] {
        try Files.replace(path, with: good.prefix(length))
        #expect(try cache.filter(for: Self.profile, capabilities: []) == compiled)
      }
      #expect(try Files.readAll(path) == good)
    }
  }

  @Test func worksWithoutADirectory() throws {
    let cache = SeccompCache(directory: "/proc/no/such")
    #expect(try cache.filter(for: Self.profile, capabilities: []).instructions.isEmpty == false)
  }
}
