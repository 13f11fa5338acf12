import StackModel
import Testing

@testable import StackFile

@Suite struct YAMLTests {
  @Test func anchorsAliasesAndMergeKeys() throws {
    let stack = try #require(
      load(
        """
        x-base: &base
          image: base
          restart: always
          environment: &env {A: 1, B: 2}
        x-more: &more {restart: "no", init: true}
        services:
          a:
            <<: *base
            image: own
          b:
            <<: [*more, *base]
            environment: {<<: *env, B: 3}
        """
      ).stack)
    #expect(stack.services[0].root == .image("own") && stack.services[0].restart == .always)
    #expect(stack.services[1].root == .image("base") && stack.services[1].restart == .no && stack.services[1].usesInit)
    #expect(stack.services[1].environment.map { "\($0.name)=\($0.value)" } == ["A=1", "B=3"])
  }

  @Test func documentsAreMerged() throws {
    let stack = try #require(
      load(
        """
        name: one
        services: {a: {image: i, command: [x], ports: ["1:1"], environment: [A=1, B=1], labels: {k: 1}}}
        ---
        name: two
        services:
          a: {command: [y], ports: ["2:2"], environment: {B: 2}}
          b: {image: j}
        """
      ).stack)
    #expect(stack.name == "two" && stack.services.map(\.name) == ["a", "b"])
    #expect(stack.services[0].command == ["y"] && stack.services[0].ports.compactMap(\.hostPort) == [1, 2])
    #expect(stack.services[0].environment.map { "\($0.name)=\($0.value)" } == ["A=1", "B=2"])
  }

  @Test(arguments: [
    // Indentation.
    ("services:\n  web:\n\timage: i\n", "3:1: a tab is used for indentation; YAML allows only spaces"),
    (
      "services:\n  web:\n    image: i\n      ports: [1]\n",
      "4:7: this line is indented deeper than line 3, which already has a value"
    ),
    (
      "services:\n  web:\n    ports:\n      - 1\n     command: x\n",
      "5:6: this line lines up with none above: line 4 is indented by 6 spaces, line 3 by 4"
    ),
    (
      "services:\n  web:\n    image: i\n   ports: [1]\n",
      "4:4: this line lines up with none above: line 3 is indented by 4 spaces, line 2 by 2"
    ),
    // Colons, quotes and brackets.
    ("services:\n  web:\n    image: i\n    command\n    user: x\n", "4:5: a \":\" is missing after this key"),
    ("services:\n  web:\n    image nginx\n", "2:3: web must be a mapping, but this is text"),
    ("services:\n  web: {image: i, labels: {a:, b: c}}\n", "2:29: a \":\" cannot stand here"),
    ("services:\n  web:\n    command: echo: x: y\n", "3:18: a second \": \" in one value"),
    ("services:\n  web:\n    image: \"i\n", "3:12: the quote that opens here is never closed"),
    ("services:\n  web: {image: i\n", "2:17: \"}\" or \",\" is missing: the mapping opens with \"{\" in line 2"),
    (
      "services:\n  web:\n    ports: [1, 2\n    image: i\n",
      "4:10: \"]\" or \",\" is missing: the list opens with \"[\" in line 3"
    ),
    ("services:\n  web:\n    image: @x\n", "3:12: a value cannot begin with @"),
    ("services:\n  web:\n    command: *\n", "3:14: * begins an alias, but no name follows"),
    ("services:\n  web:\n    image: \"\\q\"\n", "3:13: unknown escape in double quotes"),
    ("services:\n  web:\n    image:nginx\n    user: x\n", "3:10: a space is missing after this \":\""),
    ("services:\n  web:\n    command: \"it's \"quoted\" here\"\n", "3:21: text stands behind a closing quote"),
    // Meanings of YAML.
    ("services:\n  web:\n    image: i\n    image: j\n", "4:5: the key \"image\" is given twice"),
    ("services:\n  web: {image: i, <<: 1}\n", "2:19: << needs a mapping, or a list of mappings"),
    ("services:\n  web: *nope\n", "2:8: there is no anchor &nope"),
    ("services: &a\n  web: *a\n", "2:8: alias *a stands inside the value that it means"),
    ("services:\n  1: {image: i}\n", "2:3: the key 1 is a number, not text"),
    ("services:\n  ? [a]\n  : {image: i}\n", "2:5: a key must be text"),
    ("x-x: &x {}\nservices:\n  web: {image: i, <<: *x, <<: *x}\n", "3:27: the key \"<<\" is given twice"),
    ("", "1:1: the file is empty"), ("# nothing\n", "1:1: the file is empty"), ("---\n---\n", "1:1: the file is empty"),
    ("services:\n  web: {image: \"a\u{1}b\"}\n", "2:18: control characters are not allowed in YAML"),
  ]) func mistake(_ text: String, _ expected: String) {
    let found = load(text).diagnostics.filter { $0.severity == .error }
    #expect(found.first.map { "\($0.line):\($0.column): \($0.message)" } == expected)
    #expect(found.first?.hint != nil || expected.contains("never closed") || expected.contains("control"))
  }

  /// Tags of other tools are no mistake; one that is nearly ours most likely is.
  @Test func otherTagsAreSaid() {
    let result = load("services:\n  web: {image: !x i, ports: !rest [80]}\n")
    #expect(result.stack?.services.first?.root == .image("i"))
    #expect(
      lines(result) == [
        "2:16: the tag !x has no meaning here | if the ! is meant literally, write the value in quotes",
        "2:29: the tag !rest has no meaning here | did you mean !reset?",
      ])
  }

  @Test func bytesThatAreNotTextAreSaid() {
    let request = LoadRequest(files: ["f"], workingDirectory: "/")
    let bytes = Array("services:\n  a\u{e9}: ".utf8) + [0xff, 0xfe]
    let result = StackFileLoader { $0 == "/f" ? .success(bytes) : .failure(.notFound) }.load(request)
    #expect(lines(result).first?.hasPrefix("2:7: this is not UTF-8 text") == true)
  }

  @Test func aByteOrderMarkIsIgnored() {
    #expect(load("\u{feff}" + service("")).stack != nil)
  }

  @Test(.timeLimit(.minutes(1))) func aliasBombsAreRefusedAtOnce() {
    var text = "x-a: &a {k: v}\n"
    for (name, before) in zip("bcdefghij", "abcdefghi") {
      text += "x-\(name): &\(name) [\((0..<9).map { _ in "*\(before)" }.joined(separator: ", "))]\n"
    }
    let clock = ContinuousClock()
    let time = clock.measure { #expect(errors(text + service(""))[0].contains("stand for more than")) }
    #expect(time < .milliseconds(500))
  }

  @Test func modestAliasesAreAccepted() {
    var text = "x-a: &a {k: v}\n"
    for (name, before) in zip("bcdefghijk", "abcdefghij") {
      text += "x-\(name): &\(name) [*\(before), *\(before), *\(before)]\n"
    }
    #expect(load(text + service("")).stack != nil)
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["[", "{a: ", "- ", "? "]) func deepNestingIsRefusedAtOnce(_ open: String) {
    let text = "x-a: \(open == "- " || open == "? " ? "\n  " : "")" + String(repeating: open, count: 100_000)
    #expect(!errors(text).isEmpty)
    let anchors = (0..<90).map {
      "x-\($0): &a\($0) " + String(repeating: "[", count: 60) + ($0 == 0 ? "" : "*a\($0 - 1)")
        + String(repeating: "]", count: 60)
    }
    #expect(errors(anchors.joined(separator: "\n"))[0].contains("deeper than 100 levels"))
  }

  @Test func hugeFilesAreRefused() {
    #expect(errors("# " + String(repeating: "x", count: 6 << 20))[0].contains("larger than 5 MiB"))
  }
}
