import StackModel

/// Which image it is to be, beside its name.
extension ServiceDecoder {
  /// `os/architecture[/variant]`, or the architecture alone.
  var platform: ImagePlatform? {
    guard let node = node["platform"], let text = node.text, !text.isEmpty else { return nil }
    let parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let isBare = parts.count == 1
    let (system, architecture) = isBare ? ("linux", parts[0]) : (parts[0], parts[1])
    if parts.count > 3 || parts.contains("") {
      report.refusal(
        node.mark, path("platform"), "\"\(text)\" is not a platform", hint: "the form is linux/ARCHITECTURE[/VARIANT]")
      return nil
    }
    if system != "linux" {
      report.refusal(
        node.mark, path("platform"), "programs for \(system) cannot be run here", hint: "for example linux/amd64")
      return nil
    }
    return ImagePlatform(
      architecture: Self.architectures[architecture] ?? architecture, variant: parts.count == 3 ? parts[2] : nil)
  }

  /// Other words for the same.
  private static let architectures = [
    "x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386", "armhf": "arm",
    "armel": "arm",
  ]

  /// The image that is in the store is taken whatever the policy; only these ask for more.
  func announcePullPolicy() {
    guard let policy = node["pull_policy"], let text = policy.text, !["", "missing", "never"].contains(text) else {
      return
    }
    report.inert(
      kind: "pull_policy", policy.mark, path("pull_policy"),
      text == "build"
        ? "images cannot be built yet: the one that is in the store is taken"
        : "there is no registry to ask yet: the image that is in the store is taken")
  }
}
