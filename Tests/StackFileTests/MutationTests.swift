import Foundation
import StackModel
import Testing

@testable import StackFile

/// Files that are broken at random: the loader must answer, whatever it is given, and keep its promises.
@Suite struct MutationTests {
  /// SplitMix64: the same files in every run.
  private struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var value = state
      value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
      value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
      return value ^ (value >> 31)
    }
  }

  private static let seed = """
    x-base: &base {restart: always, environment: &env {A: "${A:-1}", B: $B}}
    name: ${NAME:-shop}
    services:
      web:
        <<: *base
        image: nginx:1.2
        command: run "a b" 'c'
        ports: ["8080-8081:80-81/udp", "127.0.0.1::90", {target: 80, published: "1-2"}]
        volumes: ["data:/data:ro", ./x:/y, {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0o1777}}]
        networks: {back: {aliases: [a], ipv4_address: 10.5.0.9}}
        depends_on: {db: {condition: service_healthy}}
        ulimits: {nofile: {soft: 1, hard: 2}}
        extra_hosts: ["a=[::1]"]
        env_file: [{path: a.env, required: false}]
        mem_limit: 1.5g
        stop_grace_period: 1m30s
      db: {image: 'pg', tmpfs: "/run:size=1m,mode=700", devices: ["/dev/a:/b:r"], security_opt: [seccomp=x], cpuset: 0-1}
    networks: {back: {ipam: {config: [{subnet: 10.5.0.0/24}]}}}
    volumes: {data: }
    ---
    services: {web: {labels: [a=b, c]}}
    """

  private static let snippets = [
    "\n", " ", "\t", ":", ": ", "- ", "\"", "'", "[", "]", "{", "}", "&a ", "*a", "<<: ", "${", "}", "$", "#", "|\n",
    ">", "!x ",
    "null", "0", "-1", "99999999999999999999", "%", "@", "\u{0}", "\u{feff}", "ä", "---\n", "...\n", "? ", ",", "=",
    "/", "~",
  ].map { Array($0.utf8) }

  @Test(.timeLimit(.minutes(2)), arguments: 0..<8) func broken(_ run: UInt64) {
    var random = Random(state: run)
    let files = ["/project/a.env": "A=1\nB=\"x"]
    for _ in 0..<400 {
      var bytes = Array(Self.seed.utf8)
      for _ in 0..<Int.random(in: 1...8, using: &random) { Self.mutate(&bytes, &random) }
      let request = LoadRequest(files: ["stack.yaml"], workingDirectory: "/project", environment: ["HOME": "/h"])
      let text = bytes
      let result = StackFileLoader { path in
        path == "/project/stack.yaml"
          ? .success(text) : files[path].map { .success(Array($0.utf8)) } ?? .failure(.notFound)
      }.load(request)
      #expect((result.stack == nil) == result.diagnostics.contains { $0.severity == .error })
      #expect(result.diagnostics.allSatisfy { $0.line >= 0 && $0.column >= 0 && !$0.message.isEmpty })
      _ = DiagnosticText.render(result.diagnostics)
      if let document = result.document {
        let printed = StackPrinter.yaml(document)
        #expect(load(printed, environment: ["HOME": "/h"]).stack?.services == result.stack?.services, "\(printed)")
      }
    }
  }

  private static func mutate(_ bytes: inout [UInt8], _ random: inout Random) {
    let place = Int.random(in: 0..<max(1, bytes.count), using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...12, using: &random)))
    case 1:
      bytes.insert(
        contentsOf: snippets[Int.random(in: 0..<snippets.count, using: &random)], at: min(place, bytes.count))
    case 2: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &random) }
    case 3:
      let from = Int.random(in: 0..<max(1, bytes.count), using: &random)
      let piece = Array(bytes[from..<min(bytes.count, from + Int.random(in: 1...60, using: &random))])
      bytes.insert(contentsOf: piece, at: min(place, bytes.count))
    default: bytes.removeLast(min(bytes.count, Int.random(in: 0...200, using: &random)))
    }
  }

  /// The files that the fuzzer starts from (`make fuzz`), as they are and broken: a short run of it.
  @Test(.timeLimit(.minutes(2)), arguments: ["services", "extends", "include", "merge", "everything"])
  func brokenProjects(_ name: String) throws {
    let text = try #require(TestFiles.contents("Fuzz/StackFile/corpus/\(name).yaml"))
    var random = Random(state: UInt64(name.utf8.count))
    for round in 0..<200 {
      var bytes = Array(text.utf8)
      if round > 0 {
        for _ in 0..<Int.random(in: 1...6, using: &random) { Self.mutate(&bytes, &random) }
      }
      let result = Self.loaded(project: String(decoding: bytes, as: UTF8.self))
      #expect((result.document == nil) == result.diagnostics.contains { $0.severity == .error })
      if let document = result.document {
        let again = Self.loaded(project: StackPrinter.yaml(document))
        #expect(again.errors == [] && again.stack?.services == result.stack?.services, "\(StackPrinter.yaml(document))")
      }
    }
  }

  /// What the fuzzer has found so far, the fewest files that reach what all have reached.
  @Test(.timeLimit(.minutes(1))) func foundProjects() throws {
    let directory = TestFiles.root + "Fuzz/StackFile/found/"
    let names = try FileManager.default.contentsOfDirectory(atPath: directory)
    #expect(names.count > 300)
    for name in names {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: directory + name))
      let result = Self.loaded(project: String(decoding: bytes, as: UTF8.self))
      #expect((result.document == nil) == result.diagnostics.contains { $0.severity == .error }, "\(name)")
    }
  }

  /// `#file NAME` begins another file.
  private static func loaded(project text: String) -> LoadResult {
    var files: [String: String] = [:]
    var names = ["stack.yaml"]
    var name = "stack.yaml"
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("#file ") {
        name = String(line.dropFirst(6))
        if name.hasPrefix("over") { names.append(name) }
      } else {
        files["/project/" + name, default: ""] += line + "\n"
      }
    }
    return load(files: files, names, environment: ["HOME": "/h", "A": "1", "B": ""]) {
      $0.purpose = .show
      $0.profiles = ["*"]
    }
  }
}
