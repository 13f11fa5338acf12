/// Cases of `.env` files of compose-go (github.com/compose-spec/compose-go, dotenv/ at e70e961c, licence MIT), as data.
struct EnvironmentFileVector: Sendable {
  var text: String
  var expected: [String: String]
  /// The caller's.
  var environment: [String: String] = [:]
}

let environmentFileVectors: [EnvironmentFileVector] = [
  EnvironmentFileVector(
    text:
      "OPTION_A=1\nOPTION_B=2\nOPTION_C= 3\nOPTION_D =4\nOPTION_E = 5\n456 = ABC\nOPTION_F = \nOPTION_G=\nOPTION_H = my string # Inline comment\n",
    expected: [
      "OPTION_A": "1", "OPTION_B": "2", "OPTION_C": "3", "OPTION_D": "4", "OPTION_E": "5", "OPTION_F": "",
      "OPTION_G": "", "OPTION_H": "my string",
    ]),
  EnvironmentFileVector(
    text: "export OPTION_A=2\nexport OPTION_B='\\n'\n",
    expected: ["OPTION_A": "2", "OPTION_B": "\\n"]),
  EnvironmentFileVector(
    text: "export OPTION_A='postgres://localhost:5432/database?sslmode=disable'\n\n",
    expected: ["OPTION_A": "postgres://localhost:5432/database?sslmode=disable"]),
  EnvironmentFileVector(
    text:
      "OPTION_A='1'\nOPTION_B='2'\nOPTION_C=''\nOPTION_D='\\n'\nOPTION_E=\"1\"\nOPTION_F=\"2\"\nOPTION_G=\"\"\nOPTION_H=\"\\n\"\nOPTION_I = \"echo 'asd'\" # Inline comment\nOPTION_J = 'first line\nsecond line\nthird line\nand so on'\nOPTION_K='Let\\'s go!'\nOPTION_Z = \"last value\"\n",
    expected: [
      "OPTION_A": "1", "OPTION_B": "2", "OPTION_C": "", "OPTION_D": "\\n", "OPTION_E": "1", "OPTION_F": "2",
      "OPTION_G": "", "OPTION_H": "\n", "OPTION_I": "echo 'asd'",
      "OPTION_J": "first line\nsecond line\nthird line\nand so on", "OPTION_K": "Let's go!", "OPTION_Z": "last value",
    ]),
  EnvironmentFileVector(
    text:
      "OPTION_A = \"some quoted phrase\"\nOPTION_B=first one with an unquoted phrase\nOPTION_C = then another one with an unquoted phrase\nOPTION_D = then another one with an unquoted phrase special \u{e8} char\nOPTION_E = \"then another one quoted phrase\"\n",
    expected: [
      "OPTION_A": "some quoted phrase", "OPTION_B": "first one with an unquoted phrase",
      "OPTION_C": "then another one with an unquoted phrase",
      "OPTION_D": "then another one with an unquoted phrase special \u{e8} char",
      "OPTION_E": "then another one quoted phrase",
    ]),
  EnvironmentFileVector(
    text: "BAR=$FOO",
    expected: ["BAR": ""]),
  EnvironmentFileVector(
    text: "FOO=test\nBAR=\"quote $FOO\"",
    expected: ["BAR": "quote test", "FOO": "test"]),
  EnvironmentFileVector(
    text: "FOO=\"foo\\$BAR\"",
    expected: ["FOO": "foo$BAR"]),
  EnvironmentFileVector(
    text: "FOO=\"foo\\${BAR}\"",
    expected: ["FOO": "foo${BAR}"]),
  EnvironmentFileVector(
    text: "FOO=test\nBAR=\"foo\\${FOO} ${FOO}\"",
    expected: ["BAR": "foo${FOO} test", "FOO": "test"]),
  EnvironmentFileVector(
    text: "FOO=bar",
    expected: ["FOO": "bar"]),
  EnvironmentFileVector(
    text: "FOO=\"bar\"",
    expected: ["FOO": "bar"]),
  EnvironmentFileVector(
    text: "FOO='bar'",
    expected: ["FOO": "bar"]),
  EnvironmentFileVector(
    text: "FOO=\"escaped\\\"bar\"",
    expected: ["FOO": "escaped\"bar"]),
  EnvironmentFileVector(
    text: "FOO=\"\\\"quoted\\\"\"",
    expected: ["FOO": "\"quoted\""]),
  EnvironmentFileVector(
    text: "OPTION_A: 1",
    expected: ["OPTION_A": "1"]),
  EnvironmentFileVector(
    text: "OPTION_A: Foo=bar",
    expected: ["OPTION_A": "Foo=bar"]),
  EnvironmentFileVector(
    text: "export OPTION_A=2",
    expected: ["OPTION_A": "2"]),
  EnvironmentFileVector(
    text: "export OPTION_B='\\n'",
    expected: ["OPTION_B": "\\n"]),
  EnvironmentFileVector(
    text: "export_FOO =2",
    expected: ["export_FOO": "2"]),
  EnvironmentFileVector(
    text: "export.FOO= 2",
    expected: ["export.FOO": "2"]),
  EnvironmentFileVector(
    text: "export OPTION_A=\"export A\"",
    expected: ["OPTION_A": "export A"]),
  EnvironmentFileVector(
    text: "FOO=\"bar\\nbaz\"",
    expected: ["FOO": "bar\nbaz"]),
  EnvironmentFileVector(
    text: "FOO=\"a\\tb\"",
    expected: ["FOO": "a\tb"]),
  EnvironmentFileVector(
    text: "FOO.BAR=foobar",
    expected: ["FOO.BAR": "foobar"]),
  EnvironmentFileVector(
    text: "FOO=foobar=",
    expected: ["FOO": "foobar="]),
  EnvironmentFileVector(
    text: "FOO=bar # this is foo",
    expected: ["FOO": "bar"]),
  EnvironmentFileVector(
    text: "FOO=bar #",
    expected: ["FOO": "bar"]),
  EnvironmentFileVector(
    text: "FOO=123#not-an-inline-comment",
    expected: ["FOO": "123#not-an-inline-comment"]),
  EnvironmentFileVector(
    text: "FOO=\"bar#baz\"",
    expected: ["FOO": "bar#baz"]),
  EnvironmentFileVector(
    text: "FOO=\"bar#baz\"#",
    expected: ["FOO": "bar#baz"]),
  EnvironmentFileVector(
    text: "FOO='bar#baz' # comment",
    expected: ["FOO": "bar#baz"]),
  EnvironmentFileVector(
    text: "FOO=\"bar#baz#bang\" # comment",
    expected: ["FOO": "bar#baz#bang"]),
  EnvironmentFileVector(
    text: "FOO=\"ba#r\"",
    expected: ["FOO": "ba#r"]),
  EnvironmentFileVector(
    text: "FOO=\"bar\\\\\\n\\ b\\az\"",
    expected: ["FOO": "bar\\\n\\ b\u{7}z"]),
  EnvironmentFileVector(
    text: "=\"value\"",
    expected: ["": "value"]),
  EnvironmentFileVector(
    text: " KEY =value",
    expected: ["KEY": "value"]),
  EnvironmentFileVector(
    text: "   KEY=value",
    expected: ["KEY": "value"]),
  EnvironmentFileVector(
    text: "KEY=\"\\U00101234\"",
    expected: ["KEY": "\\U00101234"]),
  EnvironmentFileVector(
    text:
      "OPTION_A=1\nOPTION_B=${OPTION_A}\nOPTION_C=$OPTION_B\nOPTION_D=${OPTION_A}_${OPTION_B}\nOPTION_E=${OPTION_NOT_DEFINED}\n",
    expected: ["OPTION_A": "1", "OPTION_B": "5", "OPTION_C": "5", "OPTION_D": "5_5", "OPTION_E": ""],
    environment: ["OPTION_A": "5"]),
  EnvironmentFileVector(
    text:
      "OPTION_A=${OPTION_A:-1}\nOPTION_B=${OPTION_A}\nOPTION_C=$OPTION_B\nOPTION_D=${OPTION_A}_${OPTION_B}\nOPTION_E=${OPTION_NOT_DEFINED}\n",
    expected: ["OPTION_A": "1", "OPTION_B": "1", "OPTION_C": "1", "OPTION_D": "1_1", "OPTION_E": ""]),
  EnvironmentFileVector(
    text:
      "\u{feff}OPTION_A=1\nOPTION_B=2\nOPTION_C= 3\nOPTION_D =4\nOPTION_E = 5\n456 = ABC\nOPTION_F =\nOPTION_G=\nOPTION_H = my string # Inline comment\n",
    expected: ["OPTION_A": "1", "OPTION_B": "2", "OPTION_C": "3", "OPTION_D": "4", "OPTION_E": "5"]),
]
