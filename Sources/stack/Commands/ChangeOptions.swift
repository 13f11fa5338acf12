import ArgumentParser
import StackEngine
import StackPlan

/// What `up` and `create` do to containers that there are already, and how many they make.
struct ChangeOptions: ParsableArguments {
  @Flag(help: "Make containers anew of all services, or of those that are named.") var forceRecreate = false
  @Flag(help: "Leave containers as they are that are not what the file says.") var noRecreate = false
  @Flag(help: "Make containers anew that the named services depend on.") var alwaysRecreateDeps = false
  @Option(help: ArgumentHelp("The number of containers of a service.", valueName: "SERVICE=NUMBER")) var scale:
    [String] = []

  var recreation: StackDifference.Recreation {
    get throws {
      if noRecreate && (forceRecreate || alwaysRecreateDeps) {
        throw ValidationError("--no-recreate and --force-recreate exclude each other")
      }
      if noRecreate { return .never }
      return forceRecreate ? .always : .whenChanged
    }
  }

  /// Of what the named services depend on.
  var dependencyRecreation: StackDifference.Recreation {
    if noRecreate { return .never }
    return alwaysRecreateDeps ? .always : .whenChanged
  }

  var counts: [String: Int] {
    get throws { try Self.counts(scale) }
  }

  static func counts(_ texts: [String]) throws -> [String: Int] {
    var counts: [String: Int] = [:]
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let count = Int(parts[1]), (0...10_000).contains(count) else {
        throw ValidationError("\(text) is not SERVICE=NUMBER")
      }
      counts[String(parts[0])] = count
    }
    return counts
  }
}
