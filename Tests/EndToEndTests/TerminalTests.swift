import Foundation
import TestSupport
import Testing

/// What a person at a terminal has: a terminal inside, of the same size, that is left in order.
@Suite(.privateNamespace)
struct TerminalTests {
  /// The user's side of a terminal of 33 by 101, in which a command runs: `TERMINAL.py STACK`, followed by what is done with it.
  private static let library = """
    import fcntl, os, pty, select, signal, struct, subprocess, sys, termios, time
    stack = sys.argv[1]
    class Terminal:
        def __init__(self, words):
            self.pid, self.fd = pty.fork()
            if self.pid == 0:
                size(0, 33, 101)
                os.execv(stack, [stack] + words.split(' '))
        def ask(self, typed, answer):
            # Once: no size, and no key, is ever late.
            os.write(self.fd, typed)
            self.until(answer)
        def until(self, answer):
            seen = b''
            while answer not in seen:
                if not select.select([self.fd], [], [], 20)[0]: sys.exit('%r never came: %r' % (answer, seen))
                try: seen += os.read(self.fd, 4096)
                except OSError: sys.exit('%r never came: %r' % (answer, seen))
        def isRaw(self): return not termios.tcgetattr(self.fd)[3] & termios.ICANON
        def code(self):
            try:
                while os.read(self.fd, 4096): pass
            except OSError: pass
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
    def size(fd, rows, columns): fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
    def containers(): return subprocess.run([stack, 'ps', '-a', '-q'], capture_output=True, text=True).stdout.count('\\n')

    """

  private func run(_ fixture: StackFixture, _ script: String) throws -> StackFixture.Outcome {
    try fixture.write(Self.library + script, to: "terminal.py")
    return try fixture.run("/usr/bin/python3", ["terminal.py", StackFixture.binary])
  }

  private let sleeper = "  a: {rootfs: ./root, command: [sleep, '1000']}"

  @Test func aTerminalIsARealOne() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(sleeper)
      #expect(try fixture.stack("up", "-d").code == 0)
      let outcome = try run(
        fixture,
        """
        for words in ['exec a sh', 'run --rm a sh']:
            inside = Terminal(words)
            inside.ask(b'stty size\\n', b'33 101')
            inside.ask(b'tty\\n', b'/dev/pts/')
            for rows in range(40, 50):
                size(inside.fd, rows, 90)
                inside.ask(b'stty size\\n', b'%d 90' % rows)
            os.write(inside.fd, b'exit 7\\n')
            print(inside.code())
        """)
      #expect(outcome.output == "7\n7\n", "\(outcome.errors)")
    }
  }

  @Test func aRunEndsWithItsTerminal() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(sleeper)
      let outcome = try run(
        fixture,
        """
        inside = Terminal('run --rm a sh')
        inside.ask(b'echo is$((6*7))\\n', b'is42')
        print(containers())
        os.close(inside.fd)
        print(os.waitstatus_to_exitcode(os.waitpid(inside.pid, 0)[1]), containers())
        """)
      #expect(outcome.output == "1\n129 0\n", "\(outcome.errors)")
    }
  }

  @Test func aRunEndsWithATerminalThatIsClosedAtAnyTime() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(sleeper)
      let outcome = try run(
        fixture,
        """
        for delay in range(0, 40, 2):
            inside = Terminal('run --rm a sh')
            time.sleep(delay / 1000)
            os.close(inside.fd)
            os.waitpid(inside.pid, 0)
        print(containers())
        """)
      #expect(outcome.output == "0\n", "\(outcome.errors)")
    }
  }

  @Test func aTerminalIsLeftInOrder() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(sleeper)
      #expect(try fixture.stack("up", "-d").code == 0)
      // Another process of the terminal sees what is left of it.
      let outcome = try run(
        fixture,
        """
        for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
            pid, fd = pty.fork()
            if pid == 0:
                before = termios.tcgetattr(0)
                child = subprocess.Popen([stack, 'exec', 'a', 'sh'])
                code = child.wait()
                same = termios.tcgetattr(0) == before
                os.write(1, b'left %d %s\\n' % (code, b'in order' if same else b'in disorder'))
                os._exit(0)
            inside = Terminal.__new__(Terminal)
            inside.pid, inside.fd = pid, fd
            inside.ask(b'echo is$((6*7))\\n', b'is42')
            assert inside.isRaw()
            child = open('/proc/%d/task/%d/children' % (pid, pid)).read().split()[0]
            os.kill(int(child), number)
            inside.until(b'left %d in order' % (128 + number))
            inside.code()
        print('done')
        """)
      #expect(outcome.output == "done\n", "\(outcome.errors)")
    }
  }

  @Test func aCommandThatIsStoppedGivesItsTerminalBack() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(sleeper)
      #expect(try fixture.stack("up", "-d").code == 0)
      let outcome = try run(
        fixture,
        """
        inside = Terminal('exec a sh')
        inside.ask(b'echo is$((6*7))\\n', b'is42')
        os.kill(inside.pid, signal.SIGTSTP)
        print(os.WIFSTOPPED(os.waitpid(inside.pid, os.WUNTRACED)[1]), inside.isRaw())
        size(inside.fd, 50, 60)
        os.kill(inside.pid, signal.SIGCONT)
        inside.ask(b'stty size\\n', b'50 60')
        print(inside.isRaw())
        os.write(inside.fd, b'exit 3\\n')
        print(inside.code())
        """)
      #expect(outcome.output == "True False\nTrue\n3\n", "\(outcome.errors)")
    }
  }

  @Test func detachKeysLeaveWhatRunsRunning() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a: {rootfs: ./root, command: [sh], stdin_open: true, tty: true}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      let outcome = try run(
        fixture,
        """
        for round in range(2):
            inside = Terminal('attach --detach-keys ctrl-x,q a')
            inside.ask(b'echo is$((6*7)) $mark\\n', b'is42' if round == 0 else b'is42 set')
            inside.ask(b'mark=set; stty size\\n', b'33 101')
            os.write(inside.fd, b'\\x18q')
            print(inside.code())
        inside = Terminal('exec a sh')
        inside.ask(b'sleep 500 & echo is$((6*7))\\n', b'is42')
        os.write(inside.fd, b'\\x10\\x11')
        print(inside.code())
        inside = Terminal('run --rm a sh')
        inside.ask(b'echo is$((6*7))\\n', b'is42')
        os.write(inside.fd, b'\\x10\\x11')
        print(inside.code(), containers())
        """)
      #expect(outcome.output == "0\n0\n0\n0 2\n", "\(outcome.errors)")
      #expect(try fixture.exec("a", "ps").contains("sleep 500"))
    }
  }

  @Test func attachTypesIntoAServiceAndEndsWithIt() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          reader: {rootfs: ./root, command: [sh, -c, 'read line; echo "got $$line"; echo bad >&2; exit 4'], stdin_open: true}
          plain: {rootfs: ./root, command: [sh, -c, 'trap "exit 5" TERM; while :; do echo tick; sleep 0.05; done']}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      let typed = try fixture.run("/bin/sh", ["-c", "echo words | \(StackFixture.binary) attach reader"])
      #expect(typed.code == 4)
      #expect(typed.output == "got words\n")
      #expect(typed.errors == "bad\n")
      let attached = try fixture.start(StackFixture.binary, ["attach", "--no-stdin", "plain"])
      // It shows what is written once it is ready for signals.
      #expect(try fixture.eventually { try fixture.text("out").contains("tick") })
      attached.signal(SIGTERM)
      #expect(try attached.wait(seconds: 10) == 5)
      #expect(try fixture.stack("attach", "reader").errors.contains("service \"reader\" is not running"))
    }
  }
}
