import StackModel
import Testing

@testable import StackFile

@Suite struct DiagnosticTests {
  /// Each mistake, with where it is, what is said, and what is advised.
  @Test(arguments: [
    // Keys.
    (
      "services:\n  web: {image: i, prots: [1]}",
      "2:19: unknown key \"prots\" in service \"web\" | did you mean \"ports\"?"
    ),
    ("service:\n  web: {image: i}", "1:1: unknown key \"service\" in the stack file | did you mean \"services\"?"),
    (
      "services:\n  web:\n    image: i\nports: [1]",
      "4:1: unknown key \"ports\" in the stack file | ports: is a key of a service; check the indentation"
    ),
    (
      "services:\n  web: {image: i, healthcheck: {tests: x}}",
      "2:33: unknown key \"tests\" in healthcheck | did you mean \"test\"?"
    ),
    (
      "services:\n  web: {image: i, networks: {n: {alias: [a]}}}\nnetworks: {n: }",
      "2:34: unknown key \"alias\" in network \"n\" | did you mean \"aliases\"?"
    ),
    ("services:\n  web: {image: i, zzzzzz: 1}", "2:19: unknown key \"zzzzzz\" in service \"web\""),
    // Keys and values in the wrong place.
    (
      "services:\n  a: {image: i}\nweb:\n  image: i",
      "3:1: unknown key \"web\" in the stack file | this looks like a service: indent it below services:"
    ),
    (
      "services:\n  web:\n    image: i\n  volumes:\n    - a:/b",
      "4:3: volumes must be a mapping, but this is a list | volumes: is a key of a service; check the indentation"
    ),
    (
      "services:\n  - web:\n      image: i",
      "1:1: services must be a mapping, but this is a list | leave the \"- \" away: names stand directly below it"
    ),
    (
      "services:\n  web:\n    image: i\n    environment:\n      - A: b",
      "5:9: environment[0] must be text, but this is a mapping | write A=b for a pair, or \"A: b\" in quotes for text"
    ),
    (
      "services:\n  web:\n    image: i\n    ports:\n    - 80:80\n      - 81:81",
      "5:7: \"80:80 - 81:81\": the host port \"80 \" is not a number | the next \"- \" is indented deeper and so continues this text: indent it like this one"
    ),
    // Types.
    ("services:\n  web: {image: [i]}", "2:16: image must be text, but this is a list"),
    (
      "services:\n  web: {image: i, group_add: [a, a]}",
      "2:34: \"a\" is listed twice in group_add | the first is in line 2; keep one of the two"
    ),
    (
      "services:\n  web: {image: i, tty: 1}", "2:24: tty must be true or false, but this is \"1\" | write true"
    ),
    ("services:\n  web: {image: 1.5}", "2:16: image must be text, but 1.5 is a number | write it in quotes: \"1.5\""),
    (
      "services:\n  web: {image: i, user: 1000}",
      "2:25: user must be text, but 1000 is a number | write it in quotes: \"1000\""
    ),
    (
      "services:\n  web: {image: i, ports: 80:80}",
      "2:26: ports must be a list, but this is text | a list item begins with \"- \": - 80:80"
    ),
    ("services:\n  web: {image: i, command: {a: b}}", "2:28: command must be text or a list, but this is a mapping"),
    (
      "services:\n  web:\n    image:\n    command: x",
      "3:5: image must be text, but it is empty | give it a value, or remove the key"
    ),
    (
      "services:\n  web:",
      "2:3: web must be a mapping, but it is empty | its keys stand in the lines below it, indented deeper"
    ),
    ("services: [a]", "1:11: services must be a mapping, but this is a list"),
    ("- a", "1:1: the file must be a mapping, but this is a list"),
    (
      "services:\n  web: {image: i, privileged: maybe}", "2:31: privileged must be true or false, but this is \"maybe\""
    ),
    (
      "services:\n  web: {image: i, init: ture}",
      "2:25: init must be true or false, but this is \"ture\" | did you mean \"true\"?"
    ),
    ("services:\n  web: {image: i, pids_limit: many}", "2:31: pids_limit must be a whole number, but this is \"many\""),
    ("services:\n  web: {image: i, oom_score_adj: 2000}", "2:34: oom_score_adj 2000 is not in -1000 to 1000"),
    (
      "services:\n  web: {image: i, mem_limit: 12q}",
      "2:30: mem_limit must be a size, but this is \"12q\" | a number of bytes, or a number with b, k, m or g, for example 512m"
    ),
    (
      "services:\n  web: {image: i, stop_grace_period: 10}",
      "2:38: stop_grace_period must be a duration, but this is \"10\" | say which unit: 10s"
    ),
    (
      "services:\n  web: {image: i, stop_grace_period: 10x}",
      "2:38: stop_grace_period must be a duration, but this is \"10x\" | numbers with h, m, s, ms or us, for example 1m30s"
    ),
    (
      "services:\n  web: {image: i, cpus: -1}",
      "2:25: cpus must be 0 or more, but this is -1 | for example 0.5"
    ),
    (
      "services:\n  web: {image: i, environment: {A: [1]}}",
      "2:36: A must be text, a number, true or false, but this is a list"
    ),
    ("services:\n  web: {image: i, environment: [[1]]}", "2:33: environment[0] must be text, but this is a list"),
    ("services:\n  a b: {image: i}", "2:3: \"a b\" is not allowed as a name | use letters, digits, '.', '_' and '-'"),
    (
      "services:\n  web: {image: i, ulimits: {nofiles: 1}}",
      "2:29: \"nofiles\" is not a resource limit | did you mean \"nofile\"?"
    ),
    // Values.
    ("services:\n  web: {image: 'a b'}", "2:16: \"a b\" is not the name of an image | for example alpine:3.20"),
    (
      "services:\n  web: {command: x}",
      "2:3: the service \"web\" has no image: and no rootfs: | image: names an image; rootfs: a directory, a tar archive, or host"
    ),
    (
      "services:\n  web: {image: i, rootfs: host}",
      "2:27: the service has both image: and rootfs: | keep the one that it should run from"
    ),
    (
      "services:\n  web: {image: i, restart: allways}",
      "2:28: \"allways\" is not a restart policy | did you mean \"always\"?"
    ),
    (
      "services:\n  web: {image: i, restart: on-failure:x}",
      "2:28: \"on-failure:x\" is not a restart policy | did you mean \"on-failure\"?"
    ),
    (
      "services:\n  web: {image: i, stop_signal: SIGTREM}",
      "2:32: there is no signal \"SIGTREM\" | did you mean SIGTERM?"
    ),
    (
      "services:\n  web: {image: i, cap_add: [NET_ADMN]}",
      "2:29: there is no capability \"NET_ADMN\" | did you mean \"NET_ADMIN\"?"
    ),
    (
      "services:\n  web: {image: i, hostname: a_b.}",
      "2:29: \"a_b.\" is not a host name | letters, digits, '-' and '.', at most 64 of them"
    ),
    (
      "services:\n  web: {image: i, container_name: -x}",
      "2:35: \"-x\" is not a container name | two or more letters, digits, '_', '.' and '-', the first a letter or digit"
    ),
    (
      "services:\n  web: {image: i, working_dir: srv}",
      "2:32: working_dir \"srv\" must be an absolute path | write /srv"
    ),
    (
      "services:\n  web: {image: i, environment: ['A B=1']}",
      "2:33: \"A B\" is not the name of a variable | no blanks stand before or after the ="
    ),
    ("services:\n  web: {image: i, environment: ['=1']}", "2:33: \"=1\" has no name before the = | write NAME=value"),
    (
      "services:\n  web: {image: i, command: 'a \"b'}",
      "2:28: a quote is not closed in \"a \"b\" | close it, or write command as a list"
    ),
    ("services:\n  web: {image: i, cpuset: 2-1}", "2:27: \"2-1\" is not a list of processors | for example 0-2,4"),
    (
      "services:\n  web: {image: i, mem_limit: 2g, memswap_limit: 1g}",
      "2:49: memswap_limit 1073741824 is less than mem_limit 2147483648 | it is memory and swap together"
    ),
    (
      "services:\n  web: {image: i, ulimits: {nofile: {soft: 2, hard: 1}}}",
      "2:44: the soft limit 2 is more than the hard limit 1"
    ),
    (
      "services:\n  web: {image: i, dns: nine}",
      "2:24: \"nine\" is not the address of a name server | for example 9.9.9.9"
    ),
    (
      "services:\n  web: {image: i, extra_hosts: [a]}",
      "2:33: \"a\" is not HOST=ADDRESS | for example db.example=10.0.0.5"
    ),
    (
      "services:\n  web: {image: i, extra_hosts: [a=b]}",
      "2:33: \"b\" is neither an address nor host-gateway | the form is HOST=ADDRESS, for example db.example=10.0.0.5"
    ),
    (
      "services:\n  web: {image: i, devices: [fuse]}",
      "2:29: a device must be an absolute path, but this is \"fuse\" | the form is HOST[:CONTAINER[:rwm]], for example /dev/fuse"
    ),
    (
      "services:\n  web: {image: i, security_opt: [secomp=x]}",
      "2:34: unknown security option \"secomp\" | did you mean \"seccomp\"?"
    ),
    (
      "services:\n  web: {image: i, userns_mode: hots}",
      "2:32: there is no user namespace mode \"hots\" | did you mean \"host\"?"
    ),
    (
      "services:\n  web: {image: i, network_mode: hots}",
      "2:33: there is no network mode \"hots\" | did you mean \"host\"?"
    ),
    (
      "services:\n  web: {image: i, network_mode: host, networks: [a]}\nnetworks: {a: }",
      "2:39: network_mode: and networks: exclude each other | keep one of the two"
    ),
    (
      "services:\n  web: {image: i, ready: {tcp: 1, log: x}}",
      "2:35: ready: looks at two things | write one of tcp, http, log, file and exec"
    ),
    (
      "services:\n  web: {image: i, healthcheck: {test: [CDM, x]}}",
      "2:40: the test begins with \"CDM\", not with CMD, CMD-SHELL or NONE | did you mean \"CMD\"?"
    ),
    (
      "services:\n  web: {image: i, scale: 3, container_name: one}",
      "2:45: 3 containers cannot have the same name | remove container_name:, or write scale: 1"
    ),
    (
      "name: '!'\nservices:\n  web: {image: i}",
      "1:7: \"!\" is not a project name | a project name has small letters, digits, - and _, and begins with a letter or digit"
    ),
    // Volumes.
    (
      "services:\n  web: {image: i, volumes: ['a:b:c:d']}",
      "2:29: \"a:b:c:d\" has too many colons | the form is [SOURCE:]TARGET[:ro], for example ./data:/data:ro"
    ),
    (
      "services:\n  web: {image: i, volumes: ['./a:b']}",
      "2:29: \"b\" must be an absolute path in the container | begin it with /"
    ),
    (
      "services:\n  web: {image: i, volumes: [/a, {type: volume, target: /a/}]}",
      "2:33: two mounts of this service have the target /a | keep one of them"
    ),
    (
      "services:\n  web: {image: i, volumes: [{type: bnd, target: /a}]}",
      "2:36: type must be one of bind, volume, tmpfs, image, npipe, cluster, but this is \"bnd\" | did you mean \"bind\"?"
    ),
    (
      "services:\n  web: {image: i, volumes: [{type: bind, target: /a}]}",
      "2:29: a volume of type bind needs source: | the path on the machine"
    ),
    (
      "services:\n  web: {image: i, volumes: [{type: image, source: x, target: /a}]}",
      "2:36: volumes of type image are not supported yet | use bind, volume or tmpfs"
    ),
    (
      "services:\n  web: {image: i, tmpfs: ['/a:sise=1m']}",
      "2:27: unknown option \"sise\" in \"/a:sise=1m\" | did you mean \"size\"?"
    ),
    // References.
    (
      "services:\n  web: {image: i, volumes: [dta:/a]}\nvolumes: {data: }",
      "2:29: there is no volume \"dta\" in this file | did you mean \"data\"?"
    ),
    (
      "services:\n  web: {image: i, networks: [front]}",
      "2:30: there is no network \"front\" in this file | declare it at the top level, below networks:"
    ),
    (
      "services:\n  web: {image: i, depends_on: [db]}\n  database: {image: i}",
      "2:32: there is no service \"db\" in this file | defined are web, database"
    ),
    (
      "services:\n  web: {image: i, network_mode: 'service:db'}",
      "2:33: there is no service \"db\" in this file | defined are web"
    ),
    (
      "services:\n  web: {image: i, depends_on: {db: {condition: service_helthy}}}\n  db: {image: i}",
      "2:48: condition must be one of service_started, service_healthy, service_completed_successfully, but this is \"service_helthy\" | did you mean \"service_healthy\"?"
    ),
    // Networks and volumes of the stack.
    (
      "services:\n  a: {image: i}\nnetworks: {n: {driver: brige}}",
      "3:24: there is no network driver \"brige\" | did you mean \"bridge\"?"
    ),
    (
      "services:\n  a: {image: i}\nnetworks: {n: {ipam: {config: [{subnet: 10.5.0.1/24}]}}}",
      "3:41: \"10.5.0.1/24\" is not an IPv4 network | the network of this address is 10.5.0.0/24"
    ),
    (
      "services:\n  a: {image: i}\nnetworks: {n: {ipam: {config: [{subnet: 10.5.0.0/24, ip_range: 10.5.1.0/24}]}}}",
      "3:64: 10.5.1.0/24 is not a part of 10.5.0.0/24"
    ),
    (
      "services:\n  a: {image: i}\nnetworks: {n: {ipam: {config: [{subnet: 10.5.0.0/24, aux_addresses: {r: 10.5.1.1}}]}}}",
      "3:73: 10.5.1.1 is not in 10.5.0.0/24"
    ),
    (
      "services:\n  a: {image: i}\nnetworks: {n: {ipam: {config: [{ip_range: 10.5.1.0/24}]}}}",
      "3:33: ip_range needs subnet: | it says something of the subnet that stands beside it"
    ),
    (
      "services:\n  a: {image: i, networks: {n: {ipv4_address: 10.5.0.9}}}\nnetworks: {n: {ipam: {config: [{subnet: 10.5.0.0/24, aux_addresses: {r: 10.5.0.9}}]}}}",
      "2:46: 10.5.0.9 is kept for others by aux_addresses of the network \"n\""
    ),
    (
      "services:\n  a: {image: i}\nnetworks: {n: {ipam: {config: [{subnet: 10.5.0.0/24, gateway: 10.6.0.1}]}}}",
      "3:63: the gateway 10.6.0.1 is not a host address of 10.5.0.0/24"
    ),
    (
      "services:\n  a: {image: i}\nnetworks: {n: {external: true, labels: {a: b}}}",
      "3:32: labels: has no meaning beside external: true | remove one of the two"
    ),
    (
      "services:\n  a: {image: i, networks: {n: {ipv4_address: 10.0.0.2}}}\nnetworks: {n: }",
      "2:46: a fixed address needs a subnet of the network \"n\" | at the top level: networks: {n: {ipam: {config: [{subnet: 10.5.0.0/24}]}}}"
    ),
    (
      "services:\n  a: {image: i, networks: {n: {ipv4_address: 10.0.0.x}}}\nnetworks: {n: }",
      "2:46: \"10.0.0.x\" is not an IPv4 address | for example 10.5.0.10"
    ),
    (
      "services:\n  a: {image: i}\nvolumes: {v: {driver: nfs}}",
      "3:23: there is no volume driver \"nfs\" | remove driver:, or write local"
    ),
    // Not yet.
    (
      "services:\n  a: {build: .}",
      "2:7: images cannot be built yet, and \"a\" names none | build the image with another tool, bring it in with \"stack image load\", and name it with image:"
    ),
  ]) func mistake(_ text: String, _ expected: String) {
    #expect(errors(text) == [expected])
  }

  @Test func allMistakesAreReportedAtOnceInTheirOrder() {
    let result = load(
      """
      services:
        web:
          image: [1, 2]
          prots: ["80:80"]
          depends_on: {db: {condition: service_helthy}}
          volumes: ["data:/data"]
          networks: [front]
          ports: ["99999:80"]
        db:
          image: i
          secrets: [x]
      """)
    #expect(result.stack == nil)
    #expect(
      result.errors.map { "\($0.line):\($0.column) \($0.path ?? "")" } == [
        "3:12 services.web.image", "4:5 services.web.prots", "5:34 services.web.depends_on.db.condition",
        "6:15 services.web.volumes[0]", "7:16 services.web.networks", "8:13 services.web.ports[0]",
        "11:15 services.db.secrets[0]",
      ])
  }

  /// A wrong value is one mistake, not a row of them.
  @Test func mistakesHaveNoConsequencesOfTheirOwn() {
    let text = """
      services:
        web: {image: [i], depends_on: [db, cache], networks: [n], volumes: ["v:/v"], network_mode: }
        db:
        cache: {image: 1, depends_on: {db: x}}
      networks: {n: x}
      volumes: {v: x}
      """
    #expect(
      errors(text).map { String($0.prefix { $0 != "|" }) } == [
        "2:16: image must be text, but this is a list", "2:80: network_mode must be text, but it is empty ",
        "3:3: db must be a mapping, but it is empty ", "4:18: image must be text, but 1 is a number ",
        "4:38: db must be a mapping, but this is text ", "5:15: n must be a mapping, but this is text ",
        "6:14: v must be a mapping, but this is text ",
      ])
  }

  @Test func emptyTextsAreAsIfTheyWereNotThere() {
    #expect(web("user: ''\nworking_dir: $NOPE\nhostname: ''\nrestart: ''\nlabels: {a: , b: ''}")?.user == nil)
    #expect(errors(service("container_name: ''"))[0].contains("container_name is empty"))
  }

  @Test func cyclesNameEachOfTheirEdges() {
    let text = """
      services:
        a: {image: i, depends_on: [b]}
        b: {image: i, depends_on: [x, c]}
        c: {image: i, depends_on: {a: {condition: service_started}}}
        x: {image: i}
        self: {image: i, depends_on: [self]}
      """
    #expect(
      errors(text) == [
        "2:30: dependency cycle: a -> b -> c -> a | a waits for b in line 2, b waits for c in line 3, c waits for a in line 4; remove one of these",
        "6:33: dependency cycle: self -> self | self waits for self in line 6; remove one of these",
      ])
  }

  @Test func longChainsOfServicesAreNoProblem() {
    let services = (0..<3000).map { "  s\($0): {image: i\($0 == 0 ? "" : ", depends_on: [s\($0 - 1)]")}" }
    #expect(load("services:\n" + services.joined(separator: "\n")).stack?.services.count == 3000)
  }

  @Test func subnetsAndAddressesMustFit() {
    let text = """
      services:
        a: {image: i, networks: {n: {ipv4_address: 10.5.0.9}}}
        b: {image: i, networks: {n: {ipv4_address: 10.5.0.9}}}
        c: {image: i, networks: {n: {ipv4_address: 10.5.0.1}}}
        d: {image: i, networks: {n: {ipv4_address: 10.6.0.1}}}
        e: {image: i, networks: {n: {ipv4_address: 10.5.0.255}}}
      networks:
        n: {ipam: {config: [{subnet: 10.5.0.0/24}]}}
        m: {ipam: {config: [{subnet: 10.5.0.128/25}]}}
      """
    #expect(
      errors(text) == [
        "3:46: 10.5.0.9 is already the address of the service \"a\"",
        "4:46: 10.5.0.1 is the gateway of the network \"n\"",
        "5:46: 10.6.0.1 is not in 10.5.0.0/24, the subnet of the network \"n\"",
        "6:46: 10.5.0.255 is not a host address of 10.5.0.0/24",
        "9:32: 10.5.0.128/25 overlaps 10.5.0.0/24, the subnet of the network \"n\"",
      ])
  }

  @Test func whatIsNotActedOnIsSaidOnceWithItsPlace() {
    let text = """
      version: "3"
      services:
        a: {image: i, cpu_rt_period: 5, logging: {options: {tag: x}}}
        b: {image: i, cpu_rt_period: 5}
        c: {image: i, cpu_rt_period: 5, security_opt: [apparmor=x], environment: {UMASK: 022}}
      networks: {default: {driver_opts: {com.docker.network.driver.mtux: 1}}}
      """
    let result = load(text)
    #expect(result.stack != nil)
    #expect(
      lines(result) == [
        "1:1: version is obsolete and has no effect | remove it",
        "3:17: cpu_rt_period has no effect here: kernels of distributions are built without real-time groups (here and in 2 more places)",
        "3:60: the logging option tag is accepted, but not acted on",
        "5:50: apparmor is accepted, but not acted on yet",
        "5:84: 022 is the number 18, and that is what UMASK becomes | write it in quotes if it is text: \"022\"",
        "6:36: com.docker.network.driver.mtux is accepted, but not acted on yet | did you mean \"com.docker.network.driver.mtu\"?",
      ])
  }

  @Test func everyKeyOfTheComposeSchemaIsKnown() {
    let keys = """
      annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name cpu_count
      cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on deploy
      develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file environment expose extends
      external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links logging
      mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode networks oom_kill_disable
      oom_score_adj pid pids_limit platform ports post_start pre_start pre_stop privileged profiles provider pull_policy
      pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period
      stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir
      """.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
    #expect(keys.count == 93)
    #expect(keys.filter { KeyTable.service[$0] == nil } == [])
    #expect(KeyTable.service.keys.map(\.name).filter { !keys.contains($0) } == ["rootfs", "seccomp", "ready"])
    #expect(Set(KeyTable.service.keys.map(\.name)).count == KeyTable.service.keys.count)
  }

  @Test func textShowsTheLineWithACaret() {
    let result = load("services:\n  web:\n    image: i\n    prots: [\"80:80\"]\n")
    #expect(
      DiagnosticText.render(result.diagnostics) == """
        stack.yaml:4:5: error: unknown key "prots" in service "web"
         4 |     prots: ["80:80"]
           |     ^^^^^
           = hint: did you mean "ports"?
           = at services.web.prots


        """)
    #expect(DiagnosticText.render(result.diagnostics, color: true).contains("\u{1b}[1;31merror\u{1b}[0m"))
    #expect(!DiagnosticText.render(result.diagnostics).contains("\u{1b}"))
  }

  @Test(arguments: [
    ("{image: i, interval: 5}", 22, "^"), ("{a: ${B}}", 5, "^^^^"), ("{a: x${B}y}", 5, "^^^^^^"), ("{a: }", 5, "^"),
  ]) func theCaretEndsWithTheWord(_ line: String, _ column: Int, _ expected: String) {
    let text = DiagnosticText.render([Diagnostic(file: "f", line: 1, column: column, "m", source: line)])
    #expect(text.split(separator: "\n").last.map { $0.filter { $0 == "^" } } == expected, "\(text)")
  }

  @Test func textNeverPassesControlCharactersOn() {
    let diagnostic = Diagnostic(file: "f", line: 1, column: 2, "m", source: "a\u{1b}[31mb\u{9b}c")
    #expect(!DiagnosticText.render([diagnostic]).unicodeScalars.contains { $0.value == 0x1b || $0.value == 0x9b })
  }

  @Test func longLinesAreCut() {
    let diagnostic = Diagnostic(
      file: "f", line: 1, column: 501, "m",
      source: String(repeating: "x", count: 500) + "HERE" + String(repeating: " y", count: 500))
    let text = DiagnosticText.render([diagnostic])
    #expect(text.split(separator: "\n").allSatisfy { $0.count < 130 })
    let rows = text.split(separator: "\n").map { Array($0) }
    let caret = rows[2].firstIndex(of: "^") ?? 0
    #expect(String(rows[1][caret..<(caret + 4)]) == "HERE")
  }

  @Test func aFloodOfMistakesIsBounded() {
    let text = "services:\n" + (0..<5000).map { "  s\($0): {imgae: i}\n" }.joined()
    #expect(load(text).diagnostics.count <= 1001)
  }
}
