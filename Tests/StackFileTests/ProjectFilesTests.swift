import StackModel
import Testing

@testable import StackFile

/// `extends`, `include`, profiles, override files and the variables of the command.
@Suite struct ProjectFilesTests {
  // MARK: extends

  @Test func aServiceTakesWhatItExtends() throws {
    let files = [
      "/project/stack.yaml": """
      services:
        web:
          extends: {file: common/base.yaml, service: app}
          environment: {B: 2}
          command: own
        job: {extends: web, command: other}
      """,
      "/project/common/base.yaml": """
      services:
        app:
          extends: base
          volumes: [./data:/data]
          environment: {A: "${A:-1}", B: 1}
        base: {image: i, command: base, env_file: a.env, broken: key, restart: always}
        broken: {imgae: x}
      """,
      "/project/common/a.env": "C=3\n",
    ]
    let wrong = load(files: files)
    #expect(errorPlaces(wrong) == ["common/base.yaml:6:52: unknown key \"broken\" in service \"base\""])
    var right = files
    right["/project/common/base.yaml"] = files["/project/common/base.yaml"]?.split(separator: "broken: key, ").joined()
    let services = try #require(load(files: right).stack?.services)
    #expect(services[0].root == .image("i") && services[0].command == ["own"] && services[0].restart == .always)
    #expect(services[0].environment.map { "\($0.name)=\($0.value)" } == ["C=3", "A=1", "B=2"])
    #expect(services[0].mounts[0].source == .bind(path: "/project/common/data", createMissing: true))
    #expect(services[1].command == ["other"] && services[1].environment.count == 3)
  }

  @Test func tagsWorkOnWhatIsExtended() {
    let text = """
      services:
        base: {image: i, cap_add: [KILL], labels: {a: 1, b: 1}}
        web: {extends: base, cap_add: !override [CHOWN], labels: {a: !reset }}
        next: {extends: web, cap_add: [MKNOD]}
      """
    let services = load(text).stack?.services ?? []
    #expect(services.map(\.addedCapabilities) == [["KILL"], ["CHOWN"], ["CHOWN", "MKNOD"]])
    #expect(services.last?.labels == ["b": "1"])
  }

  @Test(arguments: [
    (
      "web: {extends: {service: web}, image: i}",
      "2:28: services extend each other in a circle: web -> web | web extends in line 2; remove one of these"
    ),
    ("web: {extends: db}\n  db: {extends: web}", "2:18: services extend each other in a circle: web -> db -> web"),
    (
      "web: {extends: dbb, image: i}\n  db: {image: i}",
      "2:18: there is no service \"dbb\" in this file | did you mean \"db\"?"
    ),
    ("web: {extends: {file: x.yaml}, image: i}", "2:18: extends needs service:"),
    ("web: {extends: {service: }, image: i}", "2:18: extends needs service:"),
    (
      "web: {extends: {file: x.yaml, service: s}, image: i}", "2:25: cannot read the extended file x.yaml: no such file"
    ),
    (
      "web: {extends: {file: b.yaml, service: s}, image: i}",
      "2:42: there is no service \"s\" in b.yaml | did you mean \"t\"?"
    ),
  ]) func extendsMistake(_ body: String, _ expected: String) {
    let found = lines(load("services:\n  \(body)\n", files: ["/project/b.yaml": "services: {t: {image: i}}"]), .error)
    #expect(found.first?.hasPrefix(expected) ?? false, "\(found)")
    #expect(found.count == 1)
  }

  @Test func whatIsWrongBesidesExtendsIsToldToo() {
    let text = "services: {web: {extends: none, image: i, healthcheck: {test: a, interval: 5}}}\n"
    #expect(lines(load(text), .error).count == 2, "\(lines(load(text)))")
  }

  @Test func mistakesInWhatIsExtendedNameBothPlaces() {
    let result = load(
      "services:\n  web: {extends: {file: b.yaml, service: s}}\n",
      files: ["/project/b.yaml": "services:\n  s: {image: i, restart: allways}\n"])
    #expect(errorPlaces(result) == ["b.yaml:2:26: \"allways\" is not a restart policy"])
    #expect(
      result.errors.first?.related == [
        Diagnostic.Related(
          file: "stack.yaml", line: 2, column: 42, message: "the service \"web\" takes it over here, with extends")
      ])
  }

  // MARK: include

  private let including = [
    "/project/stack.yaml": """
    name: top
    include:
      - sub/compose.yaml
      - {path: [other/a.yaml, other/b.yaml], project_directory: other/dir, env_file: vars.env}
    services:
      web: {image: i, depends_on: [db], environment: {V: $V}}
    """,
    "/project/.env": "V=top\n",
    "/project/sub/compose.yaml": """
    name: ignored
    services: {db: {image: "db:$V", volumes: [./d:/d, data:/v], environment: [V, HOME]}}
    volumes: {data: }
    """,
    "/project/sub/.env": "V=sub\nW=sub\n",
    "/project/other/a.yaml": "services: {x: {image: $W, labels: {from: a}}}\n",
    "/project/other/b.yaml": "services: {x: {labels: {from: b}, volumes: [./e:/e]}}\n",
    "/project/vars.env": "W=vars\n",
  ]

  @Test func includedProjectsHaveTheirOwnDirectoryAndVariables() throws {
    let stack = try #require(load(files: including).stack)
    #expect(stack.name == "top" && Set(stack.services.map(\.name)) == ["web", "db", "x"])
    let services = Dictionary(uniqueKeysWithValues: stack.services.map { ($0.name, $0) })
    #expect(services["db"]?.root == .image("db:top"))
    #expect(services["db"]?.mounts[0].source == .bind(path: "/project/sub/d", createMissing: true))
    #expect(services["x"]?.root == .image("vars") && services["x"]?.labels == ["from": "b"])
    #expect(services["x"]?.mounts[0].source == .bind(path: "/project/other/dir/e", createMissing: true))
    #expect(stack.volumes.map(\.name) == ["top_data"])
    // Variables of the project win over those of what it includes.
    #expect(services["db"]?.environment.map(\.value) == ["top", "/home/user"])
  }

  @Test(arguments: [
    ("include: [a.yaml]\nservices: {web: {image: j}}", "2:12: \"web\" is also in a.yaml:1, which is included"),
    ("include: [a.yaml, b.yaml]", "2:1: x"),
    ("include: [c.yaml]", "1:11: files include each other in a circle: stack.yaml -> c.yaml -> stack.yaml"),
    (
      "include: [none.yaml]\nservices: {web: {image: i}}", "1:11: cannot read the included file none.yaml: no such file"
    ),
    ("include: a.yaml\nservices: {web: {image: i}}", "1:10: include must be a list, but this is text"),
  ]) func includeMistake(_ text: String, _ expected: String) {
    let files = [
      "/project/a.yaml": "services: {web: {image: i}}", "/project/b.yaml": "services: {web: {image: i}}",
      "/project/c.yaml": "include: [stack.yaml]",
    ]
    let result = load(text, files: files)
    if expected.hasSuffix("x") {
      // The same thing twice is no conflict.
      #expect(result.stack?.services.count == 1)
    } else {
      #expect(
        lines(result, .error).first?.hasPrefix(expected) ?? false
          || lines(result, .error).contains { $0.hasPrefix(String(expected.drop { $0 != " " }.dropFirst())) },
        "\(lines(result))")
    }
  }

  // MARK: Profiles

  private let profiled = """
    services:
      web: {image: i, depends_on: {debug: {condition: service_started, required: false}}}
      debug: {image: i, profiles: [dev, test]}
      seed: {image: i, profiles: [seed], env_file: missing.env}
    """

  @Test func servicesOfInactiveProfilesAreNotThere() {
    func names(_ change: (inout LoadRequest) -> Void) -> [String]? {
      load(profiled, change).stack?.services.map(\.name)
    }
    #expect(names { _ in } == ["web"])
    #expect(names { $0.profiles = ["dev"] } == ["web", "debug"])
    #expect(names { $0.environment = ["COMPOSE_PROFILES": "test, other"] } == ["web", "debug"])
    #expect(names { $0.services = ["debug"] } == ["web", "debug"])
    #expect(
      load(profiled) { $0.profiles = ["*"] }.errors.map(\.message) == [
        "cannot read the env_file \"missing.env\": no such file"
      ])
    #expect(load(profiled).profiles == ["dev", "test", "seed"])
  }

  @Test func whatNeedsAnInactiveServiceSaysSo() {
    let text = "services:\n  web: {image: i, depends_on: [db]}\n  db: {image: i, profiles: [p]}\n"
    #expect(
      errors(text) == [
        "2:32: the service \"db\" is not part of the stack: none of its profiles is active | ask for one of them with --profile, or write required: false"
      ])
  }

  // MARK: Files and variables

  @Test func overrideFilesAreMerged() {
    let files = [
      "/project/compose.yaml": "services: {w: {image: a, hostname: h}}",
      "/project/compose.override.yml": "services: {w: {image: b}}",
    ]
    #expect(load(files: files).stack?.services.first?.root == .image("b"))
    #expect(load(files: files, ["compose.yaml"]).stack?.services.first?.root == .image("a"))
    var both = files
    both["/project/stack.yaml"] = "services: {w: {image: c}}"
    #expect(load(files: both).stack?.services.first?.root == .image("c"))
    both["/project/stack.override.yaml"] = "services: {w: {image: d}}"
    #expect(load(files: both).stack?.services.first?.root == .image("d"))
  }

  @Test func variablesOfTheCommandHaveBothNames() {
    let files = [
      "/project/a.yaml": service("hostname: $H"), "/project/b.yaml": "services: {web: {image: b}}",
      "/project/x.env": "H=x",
      "/project/.env": "H=dot\nCOMPOSE_FILE=a.yaml:b.yaml",
    ]
    func hostname(_ environment: [String: String]) -> String? {
      load(files: files, environment: environment).stack?.services.first?.hostname
    }
    #expect(hostname([:]) == "dot")
    #expect(load(files: files).stack?.services.first?.root == .image("b"))
    #expect(hostname(["STACK_FILE": "a.yaml"]) == "dot")
    #expect(hostname(["COMPOSE_FILE": "a.yaml,b.yaml", "COMPOSE_PATH_SEPARATOR": ",", "H": "h"]) == "h")
    #expect(hostname(["COMPOSE_FILE": "a.yaml", "COMPOSE_ENV_FILES": "x.env"]) == "x")
    #expect(hostname(["STACK_FILE": "a.yaml", "COMPOSE_DISABLE_ENV_FILE": "true"]) == nil)
  }

  @Test func severalFilesStartAtTheDirectoryOfTheFirst() {
    let files = [
      "/project/a/x.yaml": service("volumes: [./d:/d]"), "/project/b/y.yaml": "services: {web: {volumes: [./e:/e]}}",
    ]
    let result = load(files: files, ["a/x.yaml", "b/y.yaml"])
    #expect(result.stack?.directory == "/project/a")
    #expect(
      result.stack?.services.first?.mounts.map(\.source) == [
        .bind(path: "/project/a/d", createMissing: true), .bind(path: "/project/a/e", createMissing: true),
      ])
  }
}
