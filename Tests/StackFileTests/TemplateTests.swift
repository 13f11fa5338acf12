import StackModel
import Testing

@testable import StackFile

@Suite struct TemplateTests {
  private static let environment = ["FOO": "first", "BAR": "", "JSON": "{\"json\":2}"]

  @Test(arguments: interpolationVectors) func vector(_ vector: InterpolationVector) {
    var template = Template { Self.environment[$0] }
    let text = template.expand(vector.template)
    let problems = template.found.map(\.problem).filter { if case .unset = $0 { false } else { true } }
    guard vector.isError else {
      #expect(text == vector.text)
      #expect(problems.isEmpty)
      return
    }
    #expect(problems.count == 1)
    if case .required(let name, let message) = problems.first {
      #expect("required variable \(name) is missing a value" + (message.isEmpty ? "" : ": " + message) == vector.text)
    } else {
      #expect(problems.first == .malformed && vector.text.isEmpty)
    }
  }

  @Test(arguments: [
    ("$FOO-$FOO", "first-first"), ("${FOO}${BAR}", "first"), ("$$FOO", "$FOO"), ("$$$FOO", "$first"),
    ("a$", "a$"), ("$1", "$1"), ("${JSON:-x}", "{\"json\":2}"), ("${NONE:-{\"a\":{}}}", "{\"a\":{}}"),
    ("${NONE:-${NONE2:-${FOO}}}", "first"), ("${BAR:+x}", ""), ("${BAR+x}", "x"), ("${FOO:+$$}", "$"),
    ("ü${FOO}ü", "üfirstü"),
  ]) func expands(_ template: String, _ text: String) {
    var parsed = Template { Self.environment[$0] }
    #expect(parsed.expand(template) == text)
    #expect(parsed.found.isEmpty)
  }

  @Test(arguments: ["${", "${FOO", "${FOO!x}", "${1}", "${FOO:x}", "${FOO:}", "${FOO:-${}}x${"])
  func malformed(_ template: String) {
    var parsed = Template { _ in nil }
    _ = parsed.expand(template)
    #expect(parsed.found.contains { $0.problem == .malformed })
  }

  @Test func defaultsAreNotEvaluatedWhenUnused() {
    var parsed = Template { Self.environment[$0] }
    _ = parsed.expand("${FOO:-${NONE:?boom}} ${NONE:+${NONE2?boom}}")
    #expect(parsed.found.isEmpty)
  }

  @Test func nestingIsBounded() {
    var parsed = Template { _ in nil }
    _ = parsed.expand(String(repeating: "${A:-", count: 10_000) + String(repeating: "}", count: 10_000))
    #expect(parsed.found.contains { $0.problem == .tooDeep })
  }

  @Test func problemsHaveTheirPlace() {
    let result = load(
      """
      services:
        web:
          image: "repo/${IMG:?need IMG}:1"
          command: [a, "b $NOPE ${NOPE}", 'pa$${x} ${bad }']
      """)
    #expect(
      lines(result) == [
        "3:18: required variable IMG is missing a value: need IMG | set IMG in the environment or in a file .env beside the stack file",
        "4:21: the variable NOPE is not set; an empty text is used | write $$ if a dollar sign is meant, or give a default: ${NOPE:-default}",
        "4:46: ${bad } is not a variable reference | write $$ if a dollar sign is meant; a reference is ${NAME} or ${NAME:-default}",
      ])
    #expect(result.diagnostics.first?.path == "services.web.image")
    #expect(result.diagnostics.last?.path == "services.web.command[2]")
  }

  @Test func onlyValuesAreInterpolatedAndTheyTakeTheTypeOfTheKey() {
    let service = web(
      "privileged: ${P}\ncpus: \"${C}\"\nlabels: {$K: $K}\nmem_limit: ${M:-64m}",
      environment: ["P": "true", "C": "0.5", "K": "v"])
    #expect(service?.isPrivileged == true)
    #expect(service?.resources.cpus == 0.5)
    #expect(service?.resources.memory == 64 << 20)
    #expect(service?.labels == ["$K": "v"])
  }

  @Test func theEnvironmentWinsOverTheFile() {
    let files = ["/project/.env": "A=file\nB=file\nC=${A}-${B}\n", "/project/other.env": "B=other\n"]
    let text = service("environment: {A: $A, B: $B, C: $C}")
    let plain = load(text, files: files, environment: ["A": "caller"])
    #expect(plain.stack?.services[0].environment.map(\.value) == ["caller", "file", "caller-file"])
    let named = load(text, files: files, environment: ["A": "caller"], envFiles: [".env", "other.env"])
    #expect(named.stack?.services[0].environment.map(\.value) == ["caller", "other", "caller-file"])
    #expect(
      lines(load(text, envFiles: ["none.env"]), .error) == ["0:0: cannot read the environment file: no such file"])
  }

  @Test func theProjectNameIsAVariable() {
    let result = load("name: shop\n" + service("hostname: ${COMPOSE_PROJECT_NAME}-web"))
    #expect(result.stack?.services[0].hostname == "shop-web")
    #expect(load(service("hostname: $STACK_PROJECT_NAME"), projectName: "ci").stack?.services[0].hostname == "ci")
  }
}
