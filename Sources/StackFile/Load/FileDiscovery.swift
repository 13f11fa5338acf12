/// Which stack file is meant when none is named.
enum FileDiscovery {
  /// In the order of preference.
  static let names = [
    "stack.yaml", "stack.yml", "compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml",
  ]

  /// Files that docker compose would merge into a file that it found by itself.
  static let overrides = [
    "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
  ]

  struct Found {
    /// The path as the user would write it.
    var name: String
    var directory: String
    var bytes: Result<[UInt8], SourceReadError>
  }

  /// The first of the names in `directory`, or in the nearest directory above that has one.
  static func find(from directory: String, read: StackFileLoader.Read) -> Found? {
    var current = FilePath.clean(directory)
    while true {
      for name in names {
        let path = FilePath.resolve(name, in: current, home: nil)
        let result = read(path)
        if case .failure(.notFound) = result { continue }
        if case .failure(.isDirectory) = result { continue }
        return Found(name: current == FilePath.clean(directory) ? name : path, directory: current, bytes: result)
      }
      if current == "/" || current == "." { return nil }
      current = FilePath.parent(current)
    }
  }

  static func override(in directory: String, read: StackFileLoader.Read) -> String? {
    overrides.first { name in
      if case .success = read(FilePath.resolve(name, in: directory, home: nil)) { return true }
      return false
    }
  }
}
