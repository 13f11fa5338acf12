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

  @Test func timeGrowsWithTheSizeOnly() {
    let clock = ContinuousClock()
    let small = clock.measure { #expect(load(Self.text(services: 50)).stack?.services.count == 50) }
    let large = clock.measure { #expect(load(Self.text(services: 500)).stack?.services.count == 500) }
    #expect(large < small * 40 + .milliseconds(200))
  }
}
