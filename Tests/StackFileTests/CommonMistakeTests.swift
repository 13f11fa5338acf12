import StackModel
import Testing

@testable import StackFile

/// The commonest mistakes, as people make them: each must be explained so that what to do is obvious.
@Suite struct CommonMistakeTests {
  private static let mistakes: [(name: String, text: String, expected: String)] = [
    (
      "a key is misspelt", "services:\n  web:\n    image: i\n    enviroment: {A: 1}\n",
      "4:5: unknown key \"enviroment\" in service \"web\" | did you mean \"environment\"?"
    ),
    (
      "a top-level key is misspelt", "servces:\n  web: {image: i}\n",
      "1:1: unknown key \"servces\" in the stack file | did you mean \"services\"?"
    ),
    (
      "a key of the singular", "services:\n  web: {image: i, volume: [a:/a]}\n",
      "2:19: unknown key \"volume\" in service \"web\" | did you mean \"volumes\"?"
    ),
    (
      "a hyphen for an underscore", "services:\n  web: {image: i, depends-on: [db]}\n  db: {image: i}\n",
      "2:19: unknown key \"depends-on\" in service \"web\" | did you mean \"depends_on\"?"
    ),
    (
      "a service at the top level", "services:\n  web: {image: i}\ndb:\n  image: i\n",
      "3:1: unknown key \"db\" in the stack file | this looks like a service: indent it below services:"
    ),
    (
      "a key of a service beside the services", "services:\n  web:\n    image: i\n  ports: ['80:80']\n",
      "4:10: ports must be a mapping, but this is a list | ports: is a key of a service; check the indentation"
    ),
    (
      "a tab", "services:\n  web:\n\timage: i\n",
      "3:1: a tab is used for indentation; YAML allows only spaces | replace the tab by spaces"
    ),
    (
      "a line indented too deep", "services:\n  web:\n    image: i\n      ports: [1]\n",
      "4:7: this line is indented deeper than line 3, which already has a value | indent it like line 3, or move that line's value below it"
    ),
    (
      "a line that lines up with none", "services:\n  web:\n    image: i\n   user: x\n",
      "4:4: this line lines up with none above: line 3 is indented by 4 spaces, line 2 by 2"
    ),
    (
      "no space after the colon", "services:\n  web:\n    image:nginx\n    user: x\n",
      "3:10: a space is missing after this \":\" | write \"key: value\", with a space after the \":\""
    ),
    (
      "a colon in a value", "services:\n  web:\n    command: echo a: b\n    image: i\n",
      "3:20: a second \": \" in one value | write the value in quotes"
    ),
    ("an open quote", "services:\n  web:\n    image: \"nginx\n", "3:12: the quote that opens here is never closed"),
    (
      "a value that begins with %", "services:\n  web:\n    image: %x\n",
      "3:12: a value cannot begin with % | write the value in quotes"
    ),
    (
      "a list where a mapping belongs", "services:\n  - web:\n      image: i\n",
      "1:1: services must be a mapping, but this is a list | leave the \"- \" away: names stand directly below it"
    ),
    (
      "text where a list belongs", "services:\n  web: {image: i, ports: 80:80}\n",
      "2:26: ports must be a list, but this is text | a list item begins with \"- \": - 80:80"
    ),
    (
      "a mapping in a list of pairs", "services:\n  web:\n    image: i\n    environment:\n      - A: b\n",
      "5:9: environment[0] must be text, but this is a mapping | write A=b for a pair, or \"A: b\" in quotes for text"
    ),
    (
      "a number where text belongs", "services:\n  web: {image: i, user: 1000}\n",
      "2:25: user must be text, but 1000 is a number | write it in quotes: \"1000\""
    ),
    (
      "restart: no without quotes is right", "services:\n  web: {image: i, restart: false}\n",
      "2:28: restart must be text, but false is true or false | write it in quotes: \"false\""
    ),
    (
      "a duplicate key", "services:\n  web:\n    image: i\n    image: j\n",
      "4:5: the key \"image\" is given twice | the first is in line 3; keep one of the two, or join them"
    ),
    (
      "no image", "services:\n  web: {command: x}\n",
      "2:3: the service \"web\" has no image: and no rootfs: | image: names an image; rootfs: a directory, a tar archive, or host"
    ),
    (
      "a port out of range", "services:\n  web: {image: i, ports: ['99999:80']}\n",
      "2:27: host port 99999 is not in 1-65535 | 0, or no host port, lets the kernel choose one"
    ),
    (
      "a port that is a name", "services:\n  web: {image: i, ports: ['http:80']}\n",
      "2:27: \"http:80\": the host port \"http\" is not a number | the form is [[IP:]HOST[-END]:]PORT[-END][/PROTOCOL], for example 8080:80"
    ),
    (
      "ranges of different lengths", "services:\n  web: {image: i, ports: ['80-82:80-81']}\n",
      "2:27: \"80-82:80-81\": 3 host ports for 2 container ports | give ranges of the same length"
    ),
    (
      "the same port twice", "services:\n  web: {image: i, ports: ['80:80']}\n  db: {image: i, ports: ['80:81']}\n",
      "3:26: host port 80/tcp is already published by the service \"web\" in line 2 | give one of them another host port, or another host address"
    ),
    (
      "an undeclared volume", "services:\n  web: {image: i, volumes: ['data:/data']}\n",
      "2:29: there is no volume \"data\" in this file | declare it at the top level, below volumes:; a path begins with / or ./"
    ),
    (
      "an undeclared network", "services:\n  web: {image: i, networks: [bakc]}\nnetworks: {back: }\n",
      "2:30: there is no network \"bakc\" in this file | did you mean \"back\"?"
    ),
    (
      "an unknown dependency", "services:\n  web: {image: i, depends_on: [dba]}\n  db: {image: i}\n",
      "2:32: there is no service \"dba\" in this file | did you mean \"db\"?"
    ),
    (
      "an undeclared secret", "services:\n  web: {image: i, secrets: [token]}\n",
      "2:29: there is no secret \"token\" in this file | declare it at the top level, below secrets:"
    ),
    (
      "a cycle", "services:\n  a: {image: i, depends_on: [b]}\n  b: {image: i, depends_on: [a]}\n",
      "2:30: dependency cycle: a -> b -> a | a waits for b in line 2, b waits for a in line 3; remove one of these"
    ),
    (
      "a condition of another spelling",
      "services:\n  web: {image: i, depends_on: {db: {condition: healthy}}}\n  db: {image: i}\n",
      "2:48: condition must be one of service_started, service_healthy, service_completed_successfully, but this is \"healthy\""
    ),
    (
      "a condition that is missing",
      "services:\n  web: {image: i, depends_on: {db: {required: false}}}\n  db: {image: i}\n",
      "2:36: dependency \"db\" needs condition: | what to wait for"
    ),
    (
      "a required variable", "services:\n  web: {image: 'i:${TAG:?set the tag}'}\n",
      "2:19: required variable TAG is missing a value: set the tag | set TAG in the environment or in a file .env beside the stack file"
    ),
    (
      "a $ in a password", "services:\n  web: {image: i, environment: {PASSWORD: 'a${b'}}\n",
      "2:45: ${b is not a variable reference | write $$ if a dollar sign is meant; a reference is ${NAME} or ${NAME:-default}"
    ),
    (
      "a missing env_file", "services:\n  web: {image: i, env_file: app.env}\n",
      "2:29: cannot read the env_file \"app.env\": no such file | create it, or write {path: app.env, required: false}"
    ),
    (
      "a duration without a unit", "services:\n  web: {image: i, healthcheck: {test: x, interval: 30}}\n",
      "2:52: interval must be a duration, but this is \"30\" | say which unit: 30s"
    ),
    (
      "a size of another unit", "services:\n  web: {image: i, mem_limit: 512mi}\n",
      "2:30: mem_limit must be a size, but this is \"512mi\" | a number of bytes, or a number with b, k, m or g, for example 512m"
    ),
    (
      "a test that begins with no kind", "services:\n  web: {image: i, healthcheck: {test: [curl, localhost]}}\n",
      "2:40: the test begins with \"curl\", not with CMD, CMD-SHELL or NONE | write [CMD, curl, …], or the whole command as text"
    ),
    (
      "a short form with a relative target", "services:\n  web: {image: i, volumes: ['./data:data']}\n",
      "2:29: \"data\" must be an absolute path in the container | begin it with /"
    ),
    (
      "one alias in another spelling", "x-base: &base {image: i}\nservices:\n  web: *bse\n",
      "3:8: there is no anchor &bse | did you mean *base?"
    ),
    (
      "nothing below a service", "services:\n  web:\n",
      "2:3: web must be a mapping, but it is empty | its keys stand in the lines below it, indented deeper"
    ),
    (
      "pairs without list and colon", "services:\n  web:\n    image: i\n    environment:\n      A=1\n      B=2\n",
      "5:7: environment must be a list or a mapping, but this is text | write each as NAME: value, or each as - NAME=value, in a line of its own"
    ),
    (
      "a space in a port", "services:\n  web:\n    image: i\n    ports:\n      - 8080: 80\n",
      "5:9: the key 8080 is a number, not text | between two ports there is no space: 8080:PORT"
    ),
    (
      "no space after the hyphen", "services:\n  web:\n    image: i\n    ports:\n      -80:80\n",
      "4:5: ports must be a list, but this is text | a space is missing after the \"-\": - 80:80"
    ),
    (
      "the words of a shell's line apart",
      "services:\n  web: {image: i, healthcheck: {test: [CMD-SHELL, curl, -f, 'http://a']}}\n",
      "2:39: CMD-SHELL takes one text, the line for the shell; these are 3 | write [CMD, curl, -f, http://a]"
    ),
    (
      "a space in a duration", "services:\n  web: {image: i, stop_grace_period: 5 s}\n",
      "2:38: stop_grace_period must be a duration, but this is \"5 s\" | write 5s"
    ),
    (
      "an alias without its *", "x-a: &base {restart: always}\nservices:\n  web:\n    <<: base\n    image: i\n",
      "4:5: << needs a mapping, or a list of mappings | write <<: *base"
    ),
    (
      "limits in the wrong place", "services:\n  web: {image: i, deploy: {limits: {memory: 1g}}}\n",
      "2:28: unknown key \"limits\" in deploy | limits: stands below resources:"
    ),
    (
      "a colon at the end", "services:\n  web:\n    image: nginx:\n",
      "3:17: a value cannot end with \":\" | remove the \":\", or write the value in quotes"
    ),
    (
      "a space that is none", "services:\n  web:\n    image: i\n    \u{a0}user: x\n",
      "4:5: unknown key \"\u{a0}user\" in service \"web\" | a space in it is none (U+00A0): write ordinary spaces"
    ),
    (
      "typographic quotes", "services:\n  web: {image: i, ports: [“80:80”]}\n",
      "2:27: \"“80:80”\": the container port \"80”\" is not a number | “ is no quote of YAML: write \" or '"
    ),
    (
      "a comment of another language", "services:\n  web:\n    image: i\n    // ports\n    user: x\n",
      "4:5: a \":\" is missing after this key | a comment begins with #"
    ),
    ("an empty file", "", "1:1: the file is empty | a stack file begins with services: and a service below it"),
  ]

  @Test(arguments: mistakes.indices) func isExplained(_ index: Int) {
    let mistake = Self.mistakes[index]
    let found = errors(mistake.text)
    #expect(found.first?.hasPrefix(mistake.expected) ?? false, "\(mistake.name): \(found)")
    #expect(found.count == 1, "\(mistake.name): \(found)")
  }

  @Test func aSectionAmongTheServicesIsTold() {
    let hint = "volumes: is a key of the top level; check the indentation"
    #expect(
      errors("services:\n  db: {image: i}\n  volumes:\n    data:\n") == [
        "3:3: the service \"volumes\" has no image: and no rootfs: | \(hint)",
        "4:5: unknown key \"data\" in service \"volumes\" | \(hint)",
      ])
  }

  @Test func aVariableInBracesIsMeant() {
    #expect(
      lines(load("services:\n  web: {image: 'i:${TAG}'}\n")) == [
        "2:19: the variable TAG is not set; an empty text is used | set TAG in the environment or in a file .env beside the stack file, or give a default: ${TAG:-default}"
      ])
  }

  @Test func unsetVariablesAreSaidOnceWithTheirPlace() {
    let result = load("services:\n  web: {image: 'i:$TAG', environment: {PASSWORD: 'pa$WORD', B: $TAG}}\n")
    #expect(
      lines(result) == [
        "2:19: the variable TAG is not set; an empty text is used | write $$ if a dollar sign is meant, or give a default: ${TAG:-default}",
        "2:53: the variable WORD is not set; an empty text is used | write $$ if a dollar sign is meant, or give a default: ${WORD:-default}",
      ])
  }

  /// What docker compose's `config` accepts is no error for ours, but it is no secret either.
  @Test(arguments: [
    "image: 'a b'", "restart: allways", "stop_signal: SIGTREM", "cap_add: [NET_ADMN]", "dns: nine",
    "network_mode: hots",
    "devices: [fuse]", "security_opt: [x]", "working_dir: srv", "volumes: ['./a:b']", "extra_hosts: [a=b]",
    "ulimits: {nofiles: 1}", "ports: [{target: 80, protocol: http}]", "tmpfs: ['/a:sise=1']",
  ]) func whatOnlyARunningStackCannotDoIsAWarningToShow(_ line: String) {
    let text = line.hasPrefix("image") ? "services: {web: {\(line)}}" : service(line)
    let shown = load(text) { $0.purpose = .show }
    #expect(shown.document != nil && shown.errors == [])
    #expect(!shown.diagnostics.isEmpty && load(text).errors.map(\.message) == shown.diagnostics.map(\.message))
  }
}
