import Foundation
import TestSupport
import Testing

/// What stack files say beyond one service of one file, with the built command.
@Suite(.privateNamespace, .serialized)
struct FileTests {
  @Test func secretsAndConfigsHaveTheirOwnersAndModes() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write("from a file\n", to: "token")
      try fixture.file(
        """
          s:
            rootfs: ./root
            command: [sleep, '1000']
            user: app
            secrets:
              - token
              - {source: token, target: /etc/own, uid: "1000", gid: "1000", mode: 0400}
            configs: [settings, {source: settings, target: /etc/app/settings, mode: 0440}]

        """,
        """
        secrets: {token: {file: ./token}}
        configs: {settings: {content: "a=1"}}

        """)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(try fixture.exec("s", "cat /run/secrets/token /etc/own /settings") == "from a file\nfrom a file\na=1")
      #expect(
        try fixture.exec("s", "stat -c '%u:%g %a' /run/secrets/token /etc/own /settings /etc/app/settings")
          == "0:0 444\n1000:1000 400\n0:0 444\n0:0 440")
      #expect(try fixture.exec("s", "cat /etc/app/settings 2>/dev/null || echo refused") == "refused")
      #expect(try fixture.exec("s", "(echo x >/etc/own) 2>/dev/null || echo refused") == "refused")
    }
  }

  @Test func aVolumeCanBeADirectoryOfTheMachine() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        "  s:\n    rootfs: ./root\n    command: [sleep, '1000']\n    volumes: ['data:/data']\n",
        "volumes: {data: {driver: local, driver_opts: {type: none, o: bind, device: ./kept}}}\n")
      let missing = try fixture.stack("up", "-d")
      #expect(missing.code != 0 && missing.errors.contains("/kept"), "\(missing.errors)")
      try FileManager.default.createDirectory(atPath: fixture.directory + "/kept", withIntermediateDirectories: false)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0 && !up.errors.contains("driver_opts"), "\(up.errors)")
      _ = try fixture.exec("s", "echo x >/data/file")
      #expect(try fixture.stack("down", "-v").code == 0)
      #expect(try String(contentsOfFile: fixture.directory + "/kept/file", encoding: .utf8) == "x\n")
    }
  }

  @Test func overrideFilesProfilesAndDiagnosticsReachTheCommand() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write("services: {a: {image: i}, b: {image: j, profiles: [p]}}\n", to: "compose.yaml")
      try fixture.write("services: {a: {imgae: k, hostname: h}}\n", to: "compose.override.yaml")
      let wrong = try fixture.stack("--diagnostics", "github", "config", "-q")
      #expect(wrong.code == 3)
      #expect(
        wrong.errors
          == "::error file=compose.override.yaml,line=1,col=16::unknown key \"imgae\" in service \"a\" (did you mean \"image\"?)\n"
      )
      try fixture.write("services: {a: {hostname: h}}\n", to: "compose.override.yaml")
      #expect(try fixture.stack("config", "--images").output == "i\n")
      #expect(try fixture.stack("--profile", "p", "config", "--services").output == "a\nb\n")
      #expect(try fixture.stack("config", "--format", "json", "a").output.contains("\"hostname\": \"h\""))
      #expect(try fixture.stack("config", "--hash", "a").output.hasPrefix("a "))
      let written = try fixture.stack("config", "-o", fixture.directory + "/out.yaml")
      #expect(written.code == 0 && written.output.isEmpty)
      #expect(try fixture.stack("-f", "out.yaml", "config", "--services").output == "a\n")
    }
  }
}
