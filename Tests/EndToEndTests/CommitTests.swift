import Foundation
import TestSupport
import Testing

/// `stack commit`: an image of a container and what it has changed.
@Suite(.privateNamespace)
struct CommitTests {
  @Test func anImageIsMadeOfWhatAContainerHasChanged() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write("old\n", to: "root/www/old")
      try fixture.run("/bin/mkdir", ["-p", "root/etc/many"])
      try fixture.write("one\n", to: "root/etc/many/one")
      #expect(try fixture.stack("image", "import", "base:1", "root").code == 0)
      let changes =
        "rm /www/old; rm -r /etc/many; mkdir /etc/many; echo two >/etc/many/two; echo new >/www/new; chmod 4711 /www/new;"
        + " echo root:x:0:0::/:/bin/sh >/etc/passwd; touch /up; exec sleep 1000"
      try fixture.file(
        """
          a: {image: 'base:1', command: [sh, -c, '\(changes)'], ready: {file: /up}, volumes: ['data:/data']}
          b: {image: 'made:2', command: [sleep, '1000']}
          c: {rootfs: ./root, command: [sleep, '1000']}
        """, "volumes: {data: {}}")
      #expect(try fixture.stack("up", "--wait", "a", "c").code == 0)
      let commit = try fixture.stack(
        "commit", "-a", "A B <a@b>", "-m", "as it was", "-c", #"ENV DEBUG=true TEXT="two words""#, "--change",
        #"CMD ["sleep", "7"]"#, "-c", "WORKDIR /www", "a", "made:2")
      #expect(commit.code == 0, "\(commit.errors)")
      #expect(commit.errors.contains(/Container e2e-.*-a-1 Committed as sha256:[0-9a-f]{64}\n/))
      #expect(try fixture.exec("a", "cat /www/new") == "new")
      #expect(try fixture.stack("ps", "--format", "json", "a").output.contains(#""State":"running""#))
      let up = try fixture.stack("up", "-d", "b")
      #expect(up.code == 0, "\(up.errors)")
      #expect(try fixture.exec("b", "ls /etc/many /www") == "/etc/many:\ntwo\n\n/www:\nnew")
      #expect(
        try fixture.exec("b", "stat -c %a /www/new; cat /etc/passwd; echo $DEBUG $TEXT; pwd")
          == "4711\nroot:x:0:0::/:/bin/sh\ntrue two words\n/www")
      let inspect = try fixture.stack("image", "inspect", "made:2").output
      #expect(inspect.contains("\"DEBUG=true\"") && inspect.matches(of: /"DiffID"/).count == 2, "\(inspect)")
      // It can be taken elsewhere, and is the same there.
      #expect(try fixture.stack("image", "save", "-o", "made.tar", "made:2").code == 0)
      try fixture.run("/bin/mkdir", ["made"])
      #expect(try fixture.run("/bin/tar", ["-xf", "made.tar", "-C", "made"]).code == 0)
      #expect(
        try fixture.run("/bin/grep", ["-rl", "A B <a@b>", "made/blobs"]).output.split(separator: "\n").count == 1)
      // Without a name, and without stopping anything; of what is no image there is none.
      #expect(try fixture.stack("commit", "-p=false", "a").code == 0)
      let none = try fixture.stack("commit", "c", "none:1")
      #expect(none.code == 1 && none.errors.contains("was made from no image"), "\(none.errors)")
      let wrong = try fixture.stack("commit", "-c", "RUN make", "a", "none:1")
      #expect(wrong.code == 1 && wrong.errors.contains("\"RUN make\": CMD, ENTRYPOINT, ENV"), "\(wrong.errors)")
      #expect(try fixture.stack("image", "inspect", "none:1").code != 0)
    }
  }
}
