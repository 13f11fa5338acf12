/// Columns of text, each as wide as its widest cell.
struct Table {
  let header: [String]
  var rows: [[String]] = []

  init(_ header: [String]) {
    self.header = header
  }

  var text: String {
    let all = [header] + rows.map { row in row.map(Self.withoutControls) }
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      let cells = zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }
      var line = cells.joined(separator: "   ")
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  /// What comes from files and images: a terminal must not obey it.
  private static func withoutControls(_ cell: String) -> String {
    String(cell.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{fffd}" : Character($0) })
  }
}
