import ArgumentParser
import StackFile

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Print the JSON Schema of the stack file, for editors.")

  func run() {
    TerminalOutput.plain.write(StackFileSchema.json())
  }
}
