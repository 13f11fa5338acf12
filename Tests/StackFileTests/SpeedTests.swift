import Glibc
import Testing

@testable import StackFile

/// Loading is a part of every command's start: it must be linear, and quick even in a debug build.
@Suite struct SpeedTests {
  static func text(services count: Int) -> String {
    var text = "services:\n"
    for index in 0..<count {
      text += """
          service\(index):
            image: registry.example/team/app:1.\(index)
            command: ["run", "--port", "8080"]
            environment:
              DATABASE_URL: postgres://db:5432/app
              LOG_LEVEL: ${LOG_LEVEL:-info}
            ports: ["\(10_000 + index):8080"]
            volumes: ["./conf:/etc/app:ro", "data:/data"]
            networks: [back]
            restart: always
            mem_limit: 256m
            cap_drop: [ALL]

        """
      if index > 0 { text += "    depends_on: [service\(index - 1)]\n" }
    }
    return text + "networks: {back: }\nvolumes: {data: }\n"
  }

  /// The time that the processor needed, whatever else runs on the machine.
  private static func measure(_ body: () -> Void) -> Duration {
    func now() -> Duration {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
    let start = now()
    body()
    return now() - start
  }

  @Test func timeGrowsWithTheSizeOnly() {
    let small = Self.measure { #expect(load(Self.text(services: 50)).stack?.services.count == 50) }
    let large = Self.measure { #expect(load(Self.text(services: 500)).stack?.services.count == 500) }
    #expect(large < small * 40 + .milliseconds(200))
  }

  private static func many(_ item: (Int) -> String, separator: String = ",\n") -> String {
    (0..<20_000).map(item).joined(separator: separator)
  }

  /// Files that make a careless loader quadratic.
  private static let hostile: [String] = [
    "services: {a: {image: '\(many({ _ in "${A}" }, separator: " "))'}}",
    "services: {a: {image: i, environment: [\(many { "V\($0)=$X\($0)" })]}}",
    "services: {a: {image: i, ports: [\(many { "'127.0.\($0 / 256).\($0 % 256):80:80'" })]}}",
    "services: {a: {image: i}}\nnetworks: {\(many { "n\($0): {ipam: {config: [{subnet: 10.0.\($0 % 256).0/24}]}}" })}",
    "services: {a: {image: i, depends_on: [\(many { "s\($0)" })]}}",
    "services: {a: {image: i, volumes: [\(many { "v\($0):/v\($0)" })]}}",
    "services: {a: {image: i, \(many { "zz\($0): 1" })}}",
  ]

  @Test(.timeLimit(.minutes(1)), arguments: hostile.indices) func hostileFilesAreLinearToo(_ index: Int) {
    #expect(Self.measure { _ = load(Self.hostile[index]) } < .seconds(5))
  }
}
