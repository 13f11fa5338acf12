import JSONDocument
import LinuxSystem
import StackFile

/// The variables that files refer to, as `config --variables` prints them.
enum VariableTable {
  /// - Parameter format: nil is a table.
  static func text(_ references: [VariableReference], _ format: ConfigCommand.Format?) -> String {
    let sorted = references.sorted { $0.name < $1.name }
    switch format {
    case .json:
      let members = sorted.map { reference in
        let values: [(String, JSON)] = [
          ("Name", .string(reference.name)), ("DefaultValue", .string(reference.defaultValue ?? "")),
          ("PresenceValue", .string(reference.alternateValue ?? "")), ("Required", .bool(reference.isRequired)),
        ]
        return (reference.name, JSON.members(values))
      }
      return JSON.members(members).text(indent: true) + "\n"
    case .yaml:
      return sorted.map { reference in
        "\(reference.name):\n    name: \(reference.name)\n    defaultvalue: \(quoted(reference.defaultValue))\n"
          + "    presencevalue: \(quoted(reference.alternateValue))\n    required: \(reference.isRequired)\n"
      }.joined()
    case nil:
      var table = Table(["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"])
      table.rows = sorted.map {
        [$0.name, "\($0.isRequired)", $0.defaultValue ?? "", $0.alternateValue ?? ""]
      }
      return table.text
    }
  }

  /// JSON's text is YAML's in double quotes.
  private static func quoted(_ text: String?) -> String { JSON.string(text ?? "").text() }
}
