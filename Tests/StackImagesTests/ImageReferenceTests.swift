import StackImages
import Testing

struct ImageReferenceTests {
  static let digits = String(repeating: "ab", count: 32)

  static let good: [(text: String, canonical: String, familiar: String)] = [
    ("alpine", "docker.io/library/alpine:latest", "alpine:latest"),
    ("alpine:3.19", "docker.io/library/alpine:3.19", "alpine:3.19"),
    ("docker.io/alpine", "docker.io/library/alpine:latest", "alpine:latest"),
    ("docker.io/library/alpine", "docker.io/library/alpine:latest", "alpine:latest"),
    ("index.docker.io/library/alpine", "docker.io/library/alpine:latest", "alpine:latest"),
    ("bitnami/redis:7", "docker.io/bitnami/redis:7", "bitnami/redis:7"),
    ("ghcr.io/a/b/c:v1.2_3-x", "ghcr.io/a/b/c:v1.2_3-x", "ghcr.io/a/b/c:v1.2_3-x"),
    ("localhost/x", "localhost/x:latest", "localhost/x:latest"),
    ("localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x:latest"),
    ("127.0.0.1:5000/a__b.c-d/e---f:T", "127.0.0.1:5000/a__b.c-d/e---f:T", "127.0.0.1:5000/a__b.c-d/e---f:T"),
    ("a@sha256:\(digits)", "docker.io/library/a@sha256:\(digits)", "a@sha256:\(digits)"),
    ("a:t@sha256:\(digits)", "docker.io/library/a:t@sha256:\(digits)", "a:t@sha256:\(digits)"),
  ]

  @Test(arguments: good.indices) func namesHaveAFullAndAFamiliarForm(_ index: Int) throws {
    let (text, canonical, familiar) = Self.good[index]
    let reference = try ImageReference(text)
    #expect(reference.canonical == canonical)
    #expect(reference.familiar == familiar)
    #expect(try ImageReference(familiar) == reference)
  }

  @Test(arguments: [
    "", ":", "a:", ":a", "A", "a/B", "a//b", "/a", "a/", "../a", "a/../b", "a b", "a\nb", "a..b", "a___b", "-a", "a-",
    "_a",
    "a.example/", "http://a/b", "a:-t", "a:.t", "a:t/x:", "a@sha256:12", "a@", "a@sha512:00", "localhost:x/a", "a:b:c",
    "ä", "host.example:80:90/x", "-bad.example/x",
    "a:" + String(repeating: "t", count: 129), String(repeating: "a", count: 256),
  ]) func othersAreRefused(_ text: String) {
    let error = #expect(throws: ImageError.self) { try ImageReference(text) }
    #expect(error?.kind == .invalidReference)
  }
}
