import Testing

@testable import StackFile

@Suite struct PrinterTests {
  private let text = """
    name: shop
    services:
      web:
        image: nginx
        command: run "a b"
        ports: ["8080-8081:80-81", "127.0.0.1::90/udp"]
        environment: {PASSWORD: "a$$b", N: 1, ON: "on", EMPTY: ""}
        volumes: ["data:/data:ro", "./x:/y", /anonymous]
        depends_on: [db]
        stop_grace_period: 90s
        mem_limit: 64m
        cpus: "0.5"
      db: {image: postgres, networks: {back: {aliases: [d]}}}
    networks: {back: {internal: true}, unused: }
    volumes: {data: , other: }
    """

  @Test func jsonIsTheCanonicalModel() throws {
    let document = try #require(load(text).document)
    #expect(
      StackPrinter.json(document) == """
        {
          "name": "shop",
          "services": {
            "web": {
              "image": "nginx",
              "command": [
                "run",
                "a b"
              ],
              "ports": [
                {
                  "mode": "ingress",
                  "target": 80,
                  "published": "8080",
                  "protocol": "tcp"
                },
                {
                  "mode": "ingress",
                  "target": 81,
                  "published": "8081",
                  "protocol": "tcp"
                },
                {
                  "mode": "ingress",
                  "host_ip": "127.0.0.1",
                  "target": 90,
                  "protocol": "udp"
                }
              ],
              "environment": {
                "PASSWORD": "a$$b",
                "N": "1",
                "ON": "on",
                "EMPTY": ""
              },
              "volumes": [
                {
                  "type": "volume",
                  "source": "data",
                  "target": "/data",
                  "read_only": true,
                  "volume": {}
                },
                {
                  "type": "bind",
                  "source": "/project/x",
                  "target": "/y",
                  "bind": {
                    "create_host_path": true
                  }
                },
                {
                  "type": "volume",
                  "target": "/anonymous",
                  "volume": {}
                }
              ],
              "depends_on": {
                "db": {
                  "condition": "service_started",
                  "required": true
                }
              },
              "stop_grace_period": "1m30s",
              "mem_limit": "67108864",
              "cpus": 0.5,
              "networks": {
                "default": null
              }
            },
            "db": {
              "image": "postgres",
              "networks": {
                "back": {
                  "aliases": [
                    "d"
                  ]
                }
              }
            }
          },
          "networks": {
            "default": {
              "name": "shop_default"
            },
            "back": {
              "internal": true,
              "name": "shop_back"
            }
          },
          "volumes": {
            "data": {
              "name": "shop_data"
            }
          }
        }

        """)
  }

  @Test func yamlCanBeLoadedAgainAndMeansTheSame() throws {
    let first = load(text)
    let document = try #require(first.document)
    let printed = StackPrinter.yaml(document)
    let second = load(printed)
    #expect(second.diagnostics == [])
    #expect(second.stack?.services == first.stack?.services)
    let again = try #require(second.document)
    #expect(StackPrinter.yaml(again) == printed)
    #expect(StackPrinter.json(again) == StackPrinter.json(document))
  }

  @Test(arguments: [
    "", "a", "a b", "yes", "No", "1", "1.5", "22:22", "1_000", "~", "null", "true", "a: b", "a #b", "a#b", "#a", "- a",
    "-", "*a",
    "&a", "!a", "[a", "{a", "a:", "a ", " a", "a\nb", "a\tb", "\"a\"", "'a'", "ä", "@a", "`a", "%a", "|", ">", "?",
    ".5", ".", "/x",
    "0x1f", "0o17", "a\\b", "\u{1}", "e\u{301}", "=", "<<",
  ]) func anyTextSurvivesYaml(_ value: String) throws {
    let node = Node(.mapping([.init("k", at: .file(0), Node(text: value, at: .file(0)))]), at: .file(0))
    let report = Report()
    let documents = Composer.documents(
      of: Array(YAMLText.text(of: node).utf8), source: report.add(SourceText(name: "", bytes: [])), report: report,
      interpolation: nil)
    #expect(report.errorCount == 0)
    guard case .scalar(let text, let type)? = documents?.first?["k"]?.content else {
      Issue.record("\(value) is gone: \(YAMLText.text(of: node))")
      return
    }
    #expect(text == value && type == .text)
  }

  @Test(arguments: [("a\"b\\c\n\t\u{1}", "\"a\\\"b\\\\c\\n\\t\\u0001\""), ("ä€😀/", "\"ä€😀/\"")])
  func jsonStrings(_ value: String, _ text: String) {
    #expect(JSONText.quoted(value) == text)
  }
}
