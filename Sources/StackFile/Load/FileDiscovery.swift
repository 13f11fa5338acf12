/// Which stack file is meant when none is named.
enum FileDiscovery {
  /// In the order of preference.
  static let names = [
    "stack.yaml", "stack.yml", "compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml",
  ]

  /// The first of these beside a file that was found is merged into it.
  private static func overrides(of name: String) -> [String] {
    name.hasPrefix("stack.")
      ? ["stack.override.yaml", "stack.override.yml"]
      : [
        "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
      ]
  }

  /// The first of the names in `directory`, or in the nearest directory above that has one, and its override file; the
  /// paths are as the user would write them.
  static func find(from directory: String, read: StackFileLoader.Read) -> [String] {
    let start = FilePath.clean(directory)
    var current = start
    while true {
      for name in names where isFile(name, in: current, read) {
        let override = overrides(of: name).first { isFile($0, in: current, read) }
        return [name, override].compactMap(\.self).map {
          current == start ? $0 : FilePath.resolve($0, in: current, home: nil)
        }
      }
      if current == "/" || current == "." { return [] }
      current = FilePath.parent(current)
    }
  }

  /// A file that cannot be read is found too: to pass over it would hide why.
  private static func isFile(_ name: String, in directory: String, _ read: StackFileLoader.Read) -> Bool {
    switch read(FilePath.resolve(name, in: directory, home: nil)) {
    case .failure(.notFound), .failure(.isDirectory): false
    case .success, .failure(.other): true
    }
  }
}
