import IsolationEngine
import Testing

@testable import StackOCI

@Suite struct ConfigurationTests {
  @Test func aConfigurationIsReadAsItIsMeant() throws {
    let text = """
      {"ociVersion": "1.3.0", "root": {"path": "rootfs"}, "process": {"args": ["/bin/true"], "cwd": "/"}}
      """
    let configuration = try OCIConfiguration(bytes: Array(text.utf8))
    #expect(configuration.rootPath == "rootfs")
    #expect(configuration.process?.arguments == ["/bin/true"])
  }
}
