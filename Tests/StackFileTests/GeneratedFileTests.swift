import Glibc
import Testing

@testable import StackFile

/// What is generated from the table of keys is checked in, and must not drift from it.
///
/// `STACK_UPDATE_GENERATED=1 swift test --filter GeneratedFileTests` writes the files anew.
@Suite struct GeneratedFileTests {
  @Test func schema() {
    check("schemas/stack.schema.json", StackFileSchema.json())
  }

  @Test func reference() {
    check("docs/stack-file.md", StackFileReference.markdown())
  }

  private func check(_ path: String, _ text: String) {
    if getenv("STACK_UPDATE_GENERATED") != nil, let stream = fopen(TestFiles.root + path, "w") {
      fputs(text, stream)
      fclose(stream)
    }
    #expect(TestFiles.contents(path) == text, "\(path) is not what the table of keys gives: see this test's comment")
  }
}
