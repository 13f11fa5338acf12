extension ImageConfiguration {
  /// What the document of an image says, checked where it would otherwise be believed too much.
  init(_ document: ImageDocument) throws(ImageError) {
    self.init()
    architecture = document.architecture
    os = document.os
    guard let runtime = document.config else { return }
    env = runtime.env ?? []
    cmd = runtime.cmd
    entrypoint = runtime.entrypoint
    user = runtime.user ?? ""
    workingDirectory = runtime.workingDirectory ?? ""
    exposedPorts = (runtime.exposedPorts ?? [:]).keys.sorted()
    volumes = try (runtime.volumes ?? [:]).keys.sorted().map(Self.volumePath)
    labels = runtime.labels ?? [:]
    stopSignal = runtime.stopSignal.flatMap { $0.isEmpty ? nil : $0 }
    healthcheck = runtime.healthcheck.flatMap(ImageHealthcheck.init)
    let texts = env + (cmd ?? []) + (entrypoint ?? []) + [user, workingDirectory]
    // They become C strings.
    if texts.contains(where: { $0.utf8.contains(0) }) {
      throw ImageError(.invalidArchive, "the configuration has a text with a NUL in it")
    }
  }

  /// A volume's path becomes a place where something is mounted: it must not lead up.
  private static func volumePath(_ path: String) throws(ImageError) -> String {
    let components = path.split(separator: "/").filter { $0 != "." }
    guard !components.isEmpty, !components.contains(".."), !path.utf8.contains(0) else {
      throw ImageError(.invalidArchive, "\"\(path)\" cannot be the path of a volume")
    }
    return "/" + components.joined(separator: "/")
  }
}

extension ImageHealthcheck {
  /// nil when the document says nothing that matters.
  fileprivate init?(_ document: ImageDocument.Runtime.Healthcheck) {
    guard let test = document.test, !test.isEmpty else { return nil }
    self.init()
    self.test = test
    interval = UInt64(max(0, document.interval ?? 0))
    timeout = UInt64(max(0, document.timeout ?? 0))
    startPeriod = UInt64(max(0, document.startPeriod ?? 0))
    startInterval = UInt64(max(0, document.startInterval ?? 0))
    retries = max(0, document.retries ?? 0)
  }
}
