import Foundation
import TestSupport
import Testing

/// What the command accepts, the schema for editors accepts too.
@Suite struct SchemaTests {
  @Test func filesThatAreAcceptedAreValid() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try FileManager.default.createDirectory(atPath: fixture.directory + "/odd", withIntermediateDirectories: false)
      // What a file of a project may hold besides: tags, nulls, numbers in other bases, files of several documents.
      try fixture.write(
        """
        x-base: &base {image: i, restart: "no"}
        services:
          a: {<<: *base, build: !reset null, ports: !override ["80:80"], deploy: !reset {}, user: !reset null}
          b: {image: i, environment: {A: 0x10, B: , C: 1.5, D: true}, mem_limit: 64m, cpus: .5}
        ---
        services:
          a: {ports: [{target: 80, published: "8080-8090"}], stop_grace_period: 1s}

        """, to: "odd/stack.yaml")
      let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
      let outcome = try fixture.run(
        "/usr/bin/python3",
        ["\(root)/Tests/Schema/schema.py", StackFixture.binary, "\(root)/schemas/stack.schema.json"]
          + ["samples", "Tests/StackFileTests", "Fuzz/StackFile"].map { "\(root)/\($0)" } + ["odd"])
      #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
    }
  }
}
