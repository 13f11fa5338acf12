import StackModel
import Testing

@testable import StackFile

/// Later files over earlier ones (Compose Specification, section Merge).
@Suite struct MergeTests {
  private func show(_ request: inout LoadRequest) {
    request.purpose = .show
    request.phases.checks = false
    request.phases.resolvesEnvironment = false
  }

  @Test func thereAreVectors() { #expect(MergeVector.all.count == 27) }

  @Test(arguments: MergeVector.all) func vector(_ vector: MergeVector) throws {
    let files = ["/project/base.yaml": vector.base, "/project/over.yaml": vector.override]
    let merged = load(files: files, ["base.yaml", "over.yaml"], show)
    let expected = load(files: ["/project/base.yaml": vector.expected], ["base.yaml"], show)
    let document = try #require(merged.document, "\(lines(merged))")
    #expect(
      document.says(theSameAs: try #require(expected.document, "\(lines(expected))")), "\(StackPrinter.yaml(document))")
  }

  /// What the later file says of the service `a` of the earlier one, and what comes of it.
  @Test(
    arguments: [
      // Mappings are joined, scalars replaced, lists appended.
      ("hostname: x", "hostname: y", "hostname", "y"),
      ("labels: {a: 1, b: 1}", "labels: [b=2, c=3]", "labels", "{a: 1, b: 2, c: 3}"),
      ("environment: [A=1]", "environment: {A: 2, B: }", "environment", "{A: 2, B: null}"),
      ("cap_add: [ALL]", "cap_add: [KILL, ALL]", "cap_add", "[ALL, KILL]"),
      // A variable without a value takes the caller's, whatever it had.
      ("environment: [A=1, C=1]", "environment: [A, 'C=']", "environment", "{A: null, C: }"),
      ("security_opt: [a]", "security_opt: [b, a]", "security_opt", "[a, b]"),
      // A key without a value says nothing.
      ("environment: {A: 1}", "environment: ", "environment", "{A: 1}"),
      ("ports: ['80:80']", "ports: ", "ports", "[{mode: ingress, target: 80, published: 80, protocol: tcp}]"),
      ("mem_limit: 1g", "mem_limit: ", "mem_limit", "1073741824"),
      ("deploy: {replicas: 2}", "deploy: {replicas: }", "deploy", "{replicas: 2}"),
      (
        "volumes: [/a:/t]", "volumes: [/b:/t/]", "volumes",
        "[{type: bind, source: /b, target: /t, bind: {create_host_path: true}}]"
      ),
      ("security_opt: [a]", "security_opt: [b]", "security_opt", "[a, b]"),
      ("gpus: all", "gpus: all", "gpus", "[{count: -1}]"),
      ("gpus: all", "gpus: [{count: 1}]", "gpus", "[{count: 1}]"),
      ("gpus: [{count: 1}]", "gpus: [{count: 2}]", "gpus", "[{count: 1}, {count: 2}]"),
      // Commands are replaced.
      ("command: [a, b]", "command: c", "command", "[c]"),
      ("command: a", "command: ", "command", nil),
      ("entrypoint: a", "entrypoint: []", "entrypoint", "[]"),
      (
        "healthcheck: {test: [CMD, a], retries: 2}", "healthcheck: {test: b}", "healthcheck",
        "{test: [CMD-SHELL, b], retries: 2}"
      ),
      // What is the same thing takes its place.
      (
        "ports: ['80:80']", "ports: ['80:80', '81:80']", "ports",
        "[{mode: ingress, target: 80, published: 80, protocol: tcp}, {mode: ingress, target: 80, published: 81, protocol: tcp}]"
      ),
      (
        "volumes: [/a:/t]", "volumes: [/b:/t]", "volumes",
        "[{type: bind, source: /b, target: /t, bind: {create_host_path: true}}]"
      ),
      ("ulimits: {nofile: {soft: 1, hard: 2}}", "ulimits: {nofile: 3}", "ulimits", "{nofile: 3}"),
      ("dns: 1.1.1.1", "dns: [2.2.2.2, 1.1.1.1]", "dns", "[1.1.1.1, 2.2.2.2]"),
      (
        "secrets: [s]", "secrets: [{source: t, target: s}]", "secrets",
        "[{source: s, target: /run/secrets/s}, {source: t, target: s}]"
      ),
      // Lists of names are mappings.
      (
        "depends_on: [b]", "depends_on: {b: {condition: service_healthy}}", "depends_on",
        "{b: {condition: service_healthy, required: true}}"
      ),
      (
        "depends_on: {b: {condition: service_healthy, required: false}}", "depends_on: [b]", "depends_on",
        "{b: {condition: service_started, required: false}}"
      ),
      ("networks: {n: {aliases: [x]}}", "networks: [n, m]", "networks", "{n: {aliases: [x]}, m: null}"),
      // Options belong to their driver.
      (
        "logging: {driver: local, options: {a: 1}}", "logging: {driver: local, options: {b: 2}}", "logging",
        "{driver: local, options: {a: 1, b: 2}}"
      ),
      ("logging: {driver: local, options: {a: 1}}", "logging: {driver: syslog}", "logging", "{driver: syslog}"),
      ("build: .", "build: {target: t}", "build", "{context: /project, target: t, dockerfile: Dockerfile}"),
      // Nothing is as if it were not there.
      ("hostname: x", "hostname: ''", "hostname", nil),
      ("environment: {A: 1}", "cap_add: []", "environment", "{A: 1}"),
      // A kind that is wrong alone adds to a list, or says nothing, as in docker compose.
      ("environment: [A=1]", "environment: B=2", "environment", "{A: 1, B: 2}"),
      ("labels: {a: 1}", "labels: b", "labels", "{a: 1, b: }"),
      ("labels: {a: 1}", "labels: 5", "labels", "{a: 1}"),
      ("sysctls: {a: 1}", "sysctls: true", "sysctls", "{a: 1}"),
      ("extra_hosts: [a=1.1.1.1]", "extra_hosts: b=2.2.2.2", "extra_hosts", "[a=1.1.1.1, b=2.2.2.2]"),
      ("dns: [1.1.1.1]", "dns: 2", "dns", "[1.1.1.1]"),
      ("dns_opt: [a]", "dns_opt: b", "dns_opt", "[a, b]"),
      ("tmpfs: [/a]", "tmpfs: {/c: , /b: size=1m}", "tmpfs", "[/a, /b=size=1m, /c]"),
      ("depends_on: [b]", "depends_on: c", "depends_on", "{b: {condition: service_started, required: true}}"),
      ("networks: {n: {aliases: [x]}}", "networks: m", "networks", "{n: {aliases: [x]}}"),
      ("build: {target: t}", "build: [a]", "build", "{target: t, context: /project, dockerfile: Dockerfile}"),
      // What is wrong with a value only counts when it is left.
      ("mem_limit: abc", "mem_limit: 1g", "mem_limit", "1073741824"),
      ("privileged: maybe", "privileged: true", "privileged", "true"),
      ("healthcheck: {test: a, interval: 5}", "healthcheck: {interval: 5s}", "healthcheck.interval", "5s"),
      ("cpu_shares: abc", "cpu_shares: !reset null", "cpu_shares", nil),
      // Tags.
      ("ports: ['80:80']", "ports: !reset []", "ports", nil),
      (
        "ports: ['80:80']", "ports: !override ['81:81']", "ports",
        "[{mode: ingress, target: 81, published: 81, protocol: tcp}]"
      ),
      ("environment: {A: 1, B: 2}", "environment: {A: !reset }", "environment", "{B: 2}"),
      ("labels: {a: 1}", "labels: !override {b: 2}", "labels", "{b: 2}"),
      (
        "build: {context: x, args: {A: 1}}", "build: {args: !reset }", "build",
        "{context: /project/x, dockerfile: Dockerfile}"
      ),
      (
        "deploy: {resources: {limits: {memory: 1m, cpus: '1'}}}",
        "deploy: {resources: {limits: {memory: !reset null}}}", "deploy", "{resources: {limits: {cpus: 1}}}"
      ),
    ] as [(String, String, String, String?)])
  func rule(_ base: String, _ over: String, _ key: String, _ expected: String?) {
    let files = ["/project/base.yaml": service(base), "/project/over.yaml": "services: {web: {\(over)}}"]
    let result = load(files: files, ["base.yaml", "over.yaml"], show)
    #expect(result.errors == [])
    #expect(canonical(result, "services.web.\(key)") == expected)
  }

  @Test func whatIsTakenAwayIsTakenAwayFromAllEarlierFiles() {
    let files = [
      "/project/a": service("ports: ['1:1']\nlabels: {k: 1}"), "/project/b": "services: {web: {labels: {l: 1}}}",
      "/project/c": "services: {web: {ports: !reset , labels: !override {m: 1}}}",
      "/project/d": "services: {web: {ports: ['4:4']}}",
    ]
    let result = load(files: files, ["a", "b", "c", "d"])
    #expect(result.stack?.services[0].ports.compactMap(\.hostPort) == [4])
    #expect(result.stack?.services[0].labels == ["m": "1"])
  }

  @Test func wholeServicesAndNetworksGoToo() {
    let files = [
      "/project/a": "services: {web: {image: i}, db: {image: i, networks: [n]}}\nnetworks: {n: {internal: true}}",
      "/project/b": "services: {db: !reset null, web: {image: j}}\nnetworks: {n: !reset }",
    ]
    let result = load(files: files, ["a", "b"])
    #expect(result.stack?.services.map(\.name) == ["web"] && result.stack?.services.first?.root == .image("j"))
    #expect(result.stack?.networks.map(\.key) == ["default"])
  }

  @Test func mistakesSayWhichFilesTheSidesAreFrom() throws {
    let files = [
      "/project/base.yaml": service("cpus: 1\nrestart: always"),
      "/project/over.yaml": "services:\n  web:\n    restart: allways\n    deploy: {resources: {limits: {cpus: '2'}}}\n",
    ]
    let result = load(files: files, ["base.yaml", "over.yaml"])
    #expect(
      errorPlaces(result) == [
        "over.yaml:3:14: \"allways\" is not a restart policy",
        "over.yaml:4:41: cpus: is 1 in base.yaml:4, but this is 2",
      ])
    let text = DiagnosticText.render(result.diagnostics)
    #expect(text.contains("= note: base.yaml:5:14: it replaces what stands here"))
  }

  @Test(arguments: ["environment: B=2", "dns: 5", "depends_on: c", "build: [a]", "dns_opt: a"])
  func whatOnlyAddsIsAMistakeAlone(_ line: String) {
    let files = ["/project/base.yaml": service("user: a"), "/project/over.yaml": "services: {web: {\(line)}}"]
    let errors = load(files: files, ["base.yaml", "over.yaml"]).errors
    #expect(errors.count == 1 && errors.first?.file == "over.yaml")
    #expect(errors.first?.message.contains(" must be ") == true)
    #expect(load(files: files, ["over.yaml", "base.yaml"]).errors.map(\.message) == errors.map(\.message))
    // A later file does not make it right.
    let last =
      "services: {web: {environment: {A: 1}, dns: 1.1.1.1, dns_opt: [b], build: {target: t}, depends_on: [web]}}"
    let three = load(files: files.merging(["/project/last": last]) { $1 }, ["over.yaml", "base.yaml", "last"])
    #expect(three.errors.map(\.message).contains(errors[0].message))
  }

  @Test func whatOnlyAddsIsTold() {
    let files = [
      "/project/base.yaml": service("environment: {A: 1}\ndns: [1.1.1.1]"),
      "/project/over.yaml": "services:\n  web:\n    environment: B=2\n    dns: 5\n",
    ]
    #expect(
      lines(load(files: files, ["base.yaml", "over.yaml"])) == [
        "3:18: over the value of another file this is taken for an item of a list | a list item begins with \"- \": - B=2",
        "4:10: over the value of another file this says nothing: dns stays as it is | remove it, or write text or a list",
      ])
  }

  @Test func aServiceThatIsExtendedMayHaveWhatOnlyAdds() {
    let files = ["/project/b": "services: {base: {image: i, environment: A=1, mem_limit: abc}}"]
    let extending = load(
      "services: {web: {extends: {file: b, service: base}, environment: {B: 2}, mem_limit: 1g}}", files: files)
    #expect(extending.stack?.services.first?.environment.map(\.name) == ["A", "B"])
    #expect(extending.diagnostics == [])
    let alone = load("services: {web: {extends: {file: b, service: base}}}", files: files)
    #expect(errorPlaces(alone).map { $0.prefix(9) } == ["b:1:42: e", "b:1:58: m"])
  }

  @Test func aReplacedMistakeIsNone() {
    let files = [
      "/project/base.yaml": service("mem_limit: 1.5\ncpus: -1\nenvironment: {A: 1.10}"),
      "/project/over.yaml": "services: {web: {mem_limit: 1g, cpus: 2, environment: {A: '1.10'}}}",
    ]
    #expect(load(files: files, ["base.yaml", "over.yaml"]).diagnostics == [])
    let reversed = load(files: files, ["over.yaml", "base.yaml"])
    #expect(
      reversed.diagnostics.map { "\($0.file):\($0.line) \($0.related.map(\.file))" } == [
        "base.yaml:4 [\"over.yaml\"]", "base.yaml:5 [\"over.yaml\"]", "base.yaml:6 [\"over.yaml\"]",
      ])
  }

  @Test func mistakesOfAllFilesAreReportedInTheirOrder() {
    let files = [
      "/project/a": "services:\n  web: {imgae: i, image: i}\n", "/project/b": "services: [\n",
      "/project/c": "services:\n  web: {ports: [x]}\n  db: {image: 1}\n",
    ]
    #expect(
      errorPlaces(load(files: files, ["a", "b", "c"])).map { $0.prefix(6) } == ["a:2:9:", "b:1:12", "c:2:17", "c:3:15"])
  }
}
