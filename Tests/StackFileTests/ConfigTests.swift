import StackModel
import Testing

@testable import StackFile

/// What `config` leaves out when it is asked to, and the lists that it prints.
@Suite struct ConfigTests {
  private let text = """
    name: shop
    x-top: {a: 1}
    services:
      web:
        image: "nginx:${TAG:-1}"
        privileged: ${P}
        ports: ["${PORT}:80"]
        volumes: ["./a:/a", "${DIR}/b:/b"]
        env_file: web.env
        environment: {A: , B: $B}
        depends_on: [db]
        x-note: here
      db: {build: {context: db, args: [HOME, NONE]}, profiles: [data], secrets: [key]}
      job: {image: busybox, secrets: [key], models: [m]}
    secrets: {key: {environment: KEY}, unused: {file: u}}
    models: {m: {model: ai/m}}
    volumes: {v: }
    """

  private func shown(_ change: (inout LoadRequest) -> Void) throws -> LoadResult {
    let result = load(
      text, files: ["/project/web.env": "A=file\nC=$A"], environment: ["HOME": "/home/user", "KEY": "secret"]
    ) {
      $0.purpose = .show
      $0.profiles = ["*"]
      $0.environment["P"] = "true"
      $0.environment["PORT"] = "8080"
      $0.environment["DIR"] = "/dir"
      change(&$0)
    }
    _ = try #require(result.document, "\(lines(result))")
    return result
  }

  @Test func everythingIsResolved() throws {
    let result = try shown { _ in }
    #expect(canonical(result, "services.web.image") == "nginx:1")
    #expect(
      canonical(result, "services.web.environment") == "{A: null, C: file, B: }"
        || canonical(result, "services.web.environment") == "{A: null, C: , B: }")
    #expect(
      canonical(result, "services.db.build")
        == "{context: /project/db, args: {HOME: /home/user}, dockerfile: Dockerfile}")
    let document = try #require(result.document)
    let json = StackPrinter.json(document)
    #expect(
      !json.contains("secret\"") && !json.contains("unused") && !json.contains("x-note") && json.contains("x-top"))
    #expect(!json.contains("\"models\": {\n    \"m\""))
    let yaml = StackPrinter.yaml(document)
    #expect(yaml.contains("x-note: here") && !yaml.contains("value"))
  }

  @Test func referencesMayStay() throws {
    let result = try shown { $0.phases.interpolates = false }
    #expect(canonical(result, "services.web.image") == "nginx:${TAG:-1}")
    #expect(canonical(result, "services.web.privileged") == "${P}")
    #expect(canonical(result, "services.web.ports") == "[${PORT}:80]")
    #expect(
      canonical(result, "services.web.volumes")
        == "[{type: bind, source: /project/a, target: /a, bind: {create_host_path: true}}, {type: volume, source: ${DIR}/b, target: /b, volume: {}}]"
    )
    #expect(result.stack == nil && result.errors == [])
  }

  @Test func pathsMayStay() throws {
    let result = try shown { $0.phases.resolvesPaths = false }
    #expect(canonical(result, "services.db.build.context") == "db")
    #expect(canonical(result, "services.web.volumes")?.contains("source: ./a") ?? false)
  }

  @Test func defaultsMayBeLeftOut() throws {
    let result = try shown { $0.phases.normalizes = false }
    #expect(canonical(result, "services.db.build") == "{context: /project/db, args: {HOME: null, NONE: null}}")
    #expect(canonical(result, "services.web.networks") == nil && canonical(result, "volumes") == "{v: {}}")
  }

  /// docker compose's model has these before its step of normalization.
  @Test func whatIsRequiredIsNoDefault() throws {
    let text =
      "services: {a: {image: i, depends_on: [b], secrets: [s]}, b: {build: {target: t}}}\nsecrets: {s: {file: f}}\n"
    let result = load(text) { $0.phases.normalizes = false }
    #expect(canonical(result, "services.a.depends_on") == "{b: {condition: service_started, required: true}}")
    #expect(canonical(result, "services.a.secrets") == "[{source: s, target: /run/secrets/s}]")
    #expect(canonical(result, "services.b.build") == "{target: t, context: /project}")
  }

  @Test func theNameOfTheFileIsAVariable() {
    let result = load("name: given\nservices: {a: {image: i}}\n")
    #expect(result.variables["COMPOSE_PROJECT_NAME"] == "given")
    #expect(load("services: {a: {image: i}}\n").variables["COMPOSE_PROJECT_NAME"] == "project")
  }

  @Test func variablesMayBeLeftToTheService() throws {
    let result = try shown { $0.phases.resolvesEnvironment = false }
    #expect(canonical(result, "services.web.env_file") == "[{path: /project/web.env, required: true}]")
    #expect(canonical(result, "services.web.environment") == "{A: null, B: }")
  }

  @Test func checksMayBeLeftOut() {
    let text = "services:\n  web: {depends_on: [none]}\n"
    #expect(load(text) { $0.phases.checks = false }.document != nil)
    #expect(load(text).document == nil)
  }

  @Test func listsOfNames() throws {
    let view = DocumentView(document: try #require(try shown { _ in }.document), escapes: true)
    #expect(view.names(of: "services") == ["web", "db", "job"])
    #expect(view.images == ["nginx:1", "shop-db", "busybox"])
    #expect(view.used("secrets") == ["key"] && view.used("volumes") == [] && view.used("models") == ["m"])
    #expect(view.limited(to: ["web"]).names(of: "services") == ["web", "db"])
    #expect(view.has(service: "job") && !view.has(service: "jo"))
    #expect(view.json(ofService: "job").contains("busybox") && view.json(ofService: "x").isEmpty)
  }

  @Test func variablesThatFilesReferTo() throws {
    let result = load("services: {w: {image: '${A:-x}$A', command: ['${B:?needed}', '${C:+alt}', \"$D\", $$E]}}") {
      $0.environment = ["B": "b"]
      $0.collectsReferences = true
    }
    #expect(result.references.map(\.name) == ["A", "B", "C", "D"])
    #expect(result.references[0].defaultValue == "x" && result.references[1].isRequired)
    #expect(result.references[2].alternateValue == "alt" && !result.references[3].isRequired)
  }
}
