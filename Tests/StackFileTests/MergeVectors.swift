import Testing

/// A case of `merge-vectors.yaml`: `override` laid over `base` means the same as `expected`.
struct MergeVector: Sendable, CustomTestStringConvertible {
  var id: String
  var base: String
  var override: String
  var expected: String

  var testDescription: String { id }

  static let all: [MergeVector] = {
    let documents = (TestFiles.contents("Tests/StackFileTests/merge-vectors.yaml") ?? "")
      .split(separator: "---\n").dropFirst().map(String.init)
    return stride(from: 0, to: documents.count - 2, by: 3).map { first in
      MergeVector(
        id: documents[first].split(separator: "\n").first.map { String($0.dropFirst(2)) } ?? "",
        base: documents[first], override: documents[first + 1], expected: documents[first + 2])
    }
  }()
}
