import Glibc
import LinuxSystem
import SystemPackage

/// Programs of the machine, for what tests compare with.
public enum Command {
  public struct Failure: Error {
    public let arguments: [String]
    public let status: CInt
  }

  /// Whether there is such a program in the usual places.
  public static func exists(_ name: String) -> Bool { path(of: name) != nil }

  /// What a program writes to its standard output.
  @discardableResult
  public static func output(_ arguments: [String]) throws -> [UInt8] {
    guard let name = arguments.first, let program = path(of: name) else {
      throw Failure(arguments: arguments, status: 127)
    }
    let directory = try TemporaryDirectory()
    let null = try Files.open("/dev/null", O_RDONLY)
    let file = try Files.open(directory("output"), O_RDWR | O_CREAT, mode: 0o600)
    let spawn = Spawn(
      path: program, arguments: arguments, environment: ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C.UTF-8"],
      descriptors: [0: null.borrowed, 1: file.borrowed, 2: .standardError])
    let pid = try spawn.start()
    var status: CInt = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    if status != 0 { throw Failure(arguments: arguments, status: status) }
    return try Files.readAll(directory("output"), limit: 1 << 30)
  }

  private static func path(of name: String) -> String? {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }
}
