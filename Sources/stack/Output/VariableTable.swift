import StackFile

/// The variables that files refer to, as `config --variables` prints them.
enum VariableTable {
  static func text(_ references: [VariableReference]) -> String {
    var table = Table(["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"])
    table.rows = references.sorted { $0.name < $1.name }.map {
      [$0.name, "\($0.isRequired)", $0.defaultValue ?? "", $0.alternateValue ?? ""]
    }
    return table.text
  }
}
