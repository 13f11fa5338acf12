import Testing

@testable import StackFile

@Suite struct SyntaxTests {
  /// As docker compose's reader and printer have it (Go's strconv).
  @Test(
    arguments: [
      ("5", "5"), ("+5", "5"), ("-0", "0"), ("010", "8"), ("0o10", "8"), ("-010", "-8"), ("0x1F", "31"), ("0b11", "3"),
      ("1_000", "1000"), ("08", "8"), ("1.0", "1"), ("1.50", "1.5"), (".5", "0.5"), ("5.", "5"), ("-0.0", "-0"),
      ("1e3", "1000"), ("1e6", "1e+06"), ("123456.7", "123456.7"), ("1234567.5", "1.2345675e+06"), ("0.0001", "0.0001"),
      ("0.00001", "1e-05"), ("1e-7", "1e-07"), ("1.7976931348623157e308", "1.7976931348623157e+308"),
      ("123456789012345678901", "1.2345678901234568e+20"), (".inf", "+Inf"), ("-.Inf", "-Inf"), (".nan", "NaN"),
    ]) func numbersAsText(_ text: String, _ expected: String)
  {
    #expect(CoreSchema.text(ofNumber: text) == expected)
  }

  @Test(arguments: [
    ("0", 0), ("100", 100), ("100b", 100), ("1k", 1024), ("1kb", 1024), ("1K", 1024), ("512m", 536_870_912),
    ("1g", 1_073_741_824), ("1.5G", 1_610_612_736), ("2gb", 2_147_483_648), ("1 MiB", 1_048_576),
  ]) func byteSize(_ text: String, _ bytes: UInt64) {
    #expect(ByteSize.parse(text) == bytes)
  }

  @Test(arguments: ["", "m", "x", "1x", "-1", "1.m", ".5m", "1m2", "99999999999g", "1e3", "1.2.3m"])
  func noByteSize(_ text: String) {
    #expect(ByteSize.parse(text) == nil)
  }

  @Test(arguments: [
    ("10s", 10_000_000_000, "10s"), ("1h5m30s20ms", 3_930_020_000_000, "1h5m30.02s"), ("90s", 90_000_000_000, "1m30s"),
    ("1.5s", 1_500_000_000, "1.5s"), ("0", 0, "0s"), ("5us", 5000, "5µs"), ("20ms", 20_000_000, "20ms"),
    ("1d", 86_400_000_000_000, "24h0m0s"), ("1500us", 1_500_000, "1.5ms"), ("7ns", 7, "7ns"),
  ]) func duration(_ text: String, _ nanoseconds: UInt64, _ canonical: String) {
    #expect(DurationText.parse(text) == nanoseconds)
    #expect(DurationText.text(nanoseconds: nanoseconds) == canonical)
  }

  @Test(arguments: ["", "10", "s", "1x", "-1s", "1s 2s", "99999999h", "1.2.3s"]) func noDuration(_ text: String) {
    #expect(DurationText.parse(text) == nil)
  }

  @Test(arguments: [
    ("", []), ("a  b", ["a", "b"]), ("a 'b c' \"d e\"", ["a", "b c", "d e"]), ("a\\ b", ["a b"]), ("''", [""]),
    ("a\"b\"'c'", ["abc"]), ("\"a\\\"b\\n\"", ["a\"b\\n"]), ("'a\\b'", ["a\\b"]),
    ("x $Y | z > q", ["x", "$Y", "|", "z", ">", "q"]),
    ("a\nb\\\nc", ["a", "bc"]),
  ]) func shellWords(_ text: String, _ words: [String]) {
    #expect(ShellWords.split(text) == words)
  }

  @Test(arguments: ["'a", "a\"", "a\\"]) func noShellWords(_ text: String) {
    #expect(ShellWords.split(text) == nil)
  }

  @Test(arguments: [
    ("/a/../b/./c//", "/b/c"), ("a/..", "."), ("../a", "../a"), ("a/../../b", "../b"), ("/..", "/"), ("", "."),
    ("/", "/"),
  ]) func cleanPath(_ path: String, _ clean: String) {
    #expect(FilePath.clean(path) == clean)
  }

  @Test(arguments: [
    ("~", "/home/u"), ("~/x", "/home/u/x"), ("~x", "/p/~x"), ("./a", "/p/a"), ("/a", "/a"), ("../a", "/a"),
  ]) func resolvedPath(_ path: String, _ resolved: String) {
    #expect(FilePath.resolve(path, in: "/p", home: "/home/u") == resolved)
  }

  @Test(
    arguments: [
      ("", .null), ("~", .null), ("null", .null), ("NULL", .null), ("nUll", .text), ("true", .boolean),
      ("False", .boolean),
      ("yes", .text), ("no", .text), ("on", .text), ("off", .text), ("y", .text), ("22:22", .text), ("1", .integer),
      ("-1", .integer), ("+1", .integer), ("007", .integer), ("0o17", .integer), ("0x1F", .integer), ("0o8", .text),
      ("0b1", .integer), ("1_000", .integer), ("_1", .text), ("0x", .text), ("08", .real), ("8080:80", .text),
      ("1.5", .real), (".5", .real), ("1.", .real), (".", .text), ("1e3", .real),
      ("1e", .text),
      (".inf", .real), ("-.INF", .real), (".nan", .real), ("1.2.3", .text), ("-", .text), ("1s", .text),
      ("2001-01-01", .text), ("3.20", .real),
    ] as [(String, ScalarType)]) func coreSchema(_ text: String, _ type: ScalarType)
  {
    #expect(CoreSchema.type(ofPlain: text) == type)
  }

  @Test(arguments: [
    ("prots", "ports", 1), ("image", "image", 0), ("evironment", "environment", 1), ("", "abc", 3), ("ab", "ba", 1),
    ("Ports", "ports", 0), ("kitten", "sitting", 3),
  ]) func editDistance(_ left: String, _ right: String, _ distance: Int) {
    #expect(Similarity.distance(left, right) == distance)
    #expect(Similarity.distance(right, left) == distance)
  }
}
