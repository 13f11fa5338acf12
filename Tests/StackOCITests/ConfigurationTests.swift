import IsolationEngine
import JSONDocument
import LinuxCgroup
import LinuxMounts
import Testing

@testable import StackOCI

@Suite struct ConfigurationTests {
  private static func document(_ rest: String) -> [UInt8] {
    Array(#"{"ociVersion": "1.2.0", "root": {"path": "rootfs"}\#(rest.isEmpty ? "" : ", \(rest)")}"#.utf8)
  }

  @Test func aConfigurationIsReadAsItIsMeant() throws {
    let process = #"{"args": ["/bin/true"], "cwd": "/tmp", "user": {"uid": 7, "gid": 8, "additionalGids": [9]}}"#
    let configuration = try OCIConfiguration(bytes: Self.document(#""process": \#(process), "hostname": "h""#))
    #expect(configuration.rootPath == "rootfs")
    #expect(configuration.hostname == "h")
    #expect(configuration.process?.arguments == ["/bin/true"])
    #expect(configuration.process?.workingDirectory == "/tmp")
    #expect(configuration.process?.user.uid == 7)
    #expect(configuration.process?.user.gid == 8)
    #expect(configuration.process?.user.groups == [9])
  }

  @Test(arguments: ["1.0.0", "1.0.2-dev", "1.2.1", "1.9.0"]) func everyFirstVersionIsTaken(_ version: String) throws {
    _ = try OCIConfiguration(bytes: Array(#"{"ociVersion": "\#(version)"}"#.utf8))
  }

  /// A part of a document, and what is said about it.
  @Test(arguments: [
    (#""process": {"cwd": "tmp"}"#, "process: cwd is not an absolute path"),
    (#""process": {"cwd": "/", "rlimits": [{"type": "RLIMIT_X"}]}"#, "process.rlimits[0]: unknown resource limit"),
    (#""process": {"cwd": "/", "user": {"uid": -1}}"#, "process.user.uid: is not an integer"),
    (
      #""linux": {"namespaces": [{"type": "pid"}, {"type": "pid"}]}"#,
      "linux.namespaces[1]: namespace pid is there twice"
    ),
    (#""linux": {"namespaces": [{"type": "moon"}]}"#, "unknown namespace"),
    (#""linux": {"maskedPaths": ["x"]}"#, "linux.maskedPaths[0]: is not an absolute path"),
    (#""linux": {"resources": {"unified": {"../x": "1"}}}"#, "is not a file of a cgroup"),
    (#""mounts": [{"source": "/x"}]"#, "mounts[0]: destination is missing"),
    (#""hooks": {"poststop": [{"path": "x"}]}"#, "hooks.poststop[0]: path is not absolute"),
  ]) func whatIsWrongIsToldWithItsPlace(_ part: String, _ reason: String) throws {
    let error = #expect(throws: OCIConfigurationError.self) { try OCIConfiguration(bytes: Self.document(part)) }
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
  }

  @Test func theLastOfTwoOptionsCounts() throws {
    let options = #"["bind", "ro", "rw", "nosuid", "rro", "rslave", "size=1k"]"#
    let mount = #"{"destination": "//a/b/", "source": "/x", "type": "bind", "options": \#(options)}"#
    let read = try OCIConfiguration(bytes: Self.document(#""mounts": [\#(mount)]"#)).mounts
    #expect(read.first?.target == "/a/b")
    #expect(read.first?.source == .bind("/x", isRecursive: false))
    #expect(read.first?.attributes.added == .noSetUserID)
    #expect(read.first?.attributes.cleared == .readOnly)
    #expect(read.first?.recursiveAttributes.added == .readOnly)
    #expect(read.first?.recursivePropagation == .slave)
  }

  @Test func limitsHaveBothFormsOfThem() throws {
    let memory = #"{"limit": 1000, "swap": 3000}"#
    let read = try OCIConfiguration(bytes: Self.document(#""linux": {"resources": {"memory": \#(memory)}}"#)).resources
    #expect(read.settings.legacy.map(\.value) == ["1000", "3000"])
    #expect(read.settings.unified.map(\.value) == ["1000", "2000"])
  }

  /// Whatever the bytes are, there is an answer.
  @Test func anyBytesGiveAnAnswer() {
    let text = SampleConfiguration.document(isRootless: true).text()
    let bytes = Array(text.utf8)
    #expect((try? OCIConfiguration(bytes: bytes)) != nil)
    for index in stride(from: 0, to: bytes.count, by: 3) {
      var changed = bytes
      changed[index] = UInt8(truncatingIfNeeded: index &* 31)
      _ = try? OCIConfiguration(bytes: changed)
      _ = try? OCIConfiguration(bytes: Array(bytes[..<index]))
    }
    #expect(throws: OCIConfigurationError.self) {
      try OCIConfiguration(bytes: [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20))
    }
  }
}

@Suite struct JSONTests {
  @Test(arguments: [
    "null", "true", "[]", "{}", #"{"a":[1,-2.5e+3,"x"]}"#, #""\"\\\n\t\u0001""#,
  ]) func whatIsReadIsWrittenAgain(_ text: String) throws {
    #expect(try JSON(bytes: Array(text.utf8)).text() == text)
  }

  @Test(arguments: ["", "nul", "01", "1.", "[1,]", #"{"a"}"#, #""\x""#, "1 2", "\"\u{1}\""])
  func whatIsNoDocumentIsRefused(_ text: String) {
    #expect(throws: JSONError.self) { try JSON(bytes: Array(text.utf8)) }
  }

  @Test func twoHalvesAreOneCharacter() throws {
    #expect(try JSON(bytes: Array(#""\ud83d\ude00\ud83d""#.utf8)) == .string("😀\u{fffd}"))
  }
}
