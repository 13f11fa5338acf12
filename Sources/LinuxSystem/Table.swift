/// Columns of text for a terminal, each as wide as its widest cell.
package struct Table {
  package let header: [String]
  package var rows: [[String]]

  package init(_ header: [String], _ rows: [[String]] = []) {
    self.header = header
    self.rows = rows
  }

  /// A line for the header, and one for each row.
  package var text: String {
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

  /// What comes from files, images and processes: a terminal must not obey it.
  private static func withoutControls(_ cell: String) -> String {
    String(cell.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{fffd}" : Character($0) })
  }
}
