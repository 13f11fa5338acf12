import ArgumentParser
import Glibc
import LinuxSystem
import StackImages
import SystemPackage

struct ImageSaveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "save", abstract: "Write images as a tar.",
    discussion: "The tar is an OCI layout and a docker archive at once: stack, docker, podman and skopeo read it.")

  @Option(name: [.short, .long], help: ArgumentHelp("The tar, instead of standard output.", valueName: "file"))
  var output: String?
  @Argument(help: "The images.") var images: [String]

  func run() throws {
    let session = ImageSession()
    if output == nil && isatty(STDOUT_FILENO) == 1 {
      session.terminal.error("stack: a tar is nothing for a terminal: use -o FILE or redirect the output\n")
      throw ExitCode(2)
    }
    try session.reporting {
      guard let output else { return try session.store.save(images, to: .standardOutput) }
      // Complete or not at all.
      let temporary = "\(output).\(getpid()).tmp"
      do {
        let file = try Files.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o666)
        try session.store.save(images, to: file.borrowed)
        try Files.rename(temporary, to: output)
      } catch {
        // Best effort: the error that matters is the one being thrown.
        try? Files.removeFile(temporary)
        throw error
      }
    }
  }
}
