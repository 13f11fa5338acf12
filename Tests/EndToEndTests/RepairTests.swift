import Foundation
import Glibc
import TestSupport
import Testing

/// The machine or the state is changed behind a stack's back: the next `up` finds out and puts it right.
@Suite(.privateNamespace, .serialized)
struct RepairTests {
  private static let port = 18196

  private func makeFile(_ fixture: StackFixture) throws {
    try fixture.write("here\n", to: "root/www/index.html")
    try fixture.file(
      """
        web:
          rootfs: ./root
          command: [httpd, -f, -p, '80', -h, /www]
          ports: ['\(Self.port):80']
          ready: {tcp: 80}
          restart: always
          networks: [front, back]
          stop_grace_period: 1s
        other: {rootfs: ./root, command: [sleep, '1000'], networks: [back]}
      """, "networks: {front: {driver_opts: {com.docker.network.driver.mtu: '1400'}}, back: {internal: true}}")
  }

  private func page() throws -> String {
    try NetworkLab.run("curl -s -m 1 http://127.0.0.1:\(Self.port)/ || true").trimmingCharacters(in: .newlines)
  }

  private func pid(_ fixture: StackFixture, _ service: String) throws -> pid_t {
    let json = try fixture.stack("inspect", service).output
    return try #require(json.firstMatch(of: /"Pid": (\d+)/).flatMap { Int32($0.1) })
  }

  /// What the web service sees of its network.
  private func network(_ fixture: StackFixture) throws -> String {
    try fixture.exec("web", "ip -o address | cut -d: -f2-; ip -o link | grep -o 'link/ether [0-9a-f:]*'; ip route")
  }

  private static let bridges = "ip -o link | grep -o 'stk-[^:@ ]*' | sort -u"
  /// What is done, and whether the service cannot be reached then.
  static let changes: [(command: String, isCutOff: Bool)] = [
    ("for b in $(\(bridges)); do ip link set $b down; done", true),
    ("for b in $(\(bridges)); do ip link delete $b; done", true),
    ("for b in $(\(bridges)); do ip address flush dev $b; done", true),
    ("for b in $(\(bridges)); do ip link set $b group 7; done", false),
    ("for v in $(ip -o link | grep -o 'stv[^:@ ]*'); do ip link delete $v; done", true),
    ("for v in $(ip -o link | grep -o 'stv[^:@ ]*'); do ip link set $v down; done", true),
    ("for v in $(ip -o link | grep -o 'stv[^:@ ]*'); do ip link set $v nomaster; done", true),
    ("nsenter -t $PID -n ip link delete eth0; nsenter -t $PID -n ip link delete eth1", true),
    ("nft flush ruleset", true),
    ("nft delete table ip stack-$PROJECT", true),
    ("rm $STATE/networks", false),
    ("echo nonsense >$STATE/networks", false),
    ("for b in $(\(bridges)); do ip link set $b down; done; rm $STATE/networks; nft flush ruleset", true),
  ]

  @Test(arguments: changes)
  func whatIsTakenFromANetworkComesBackAroundTheContainer(_ change: (command: String, isCutOff: Bool)) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      #expect(try fixture.stack("up", "-d", "--wait").code == 0)
      #expect(try page() == "here")
      let (pid, before) = (try pid(fixture, "web"), try network(fixture))
      let state = "\(fixture.directory)/run/projects/\(fixture.project)"
      _ = try NetworkLab.run("PID=\(pid); PROJECT=\(fixture.project); STATE=\(state); \(change.command)")
      if change.isCutOff { #expect(try page() == "") }
      let up = try fixture.stack("up", "-d", "--wait")
      #expect(up.code == 0, "\(up.errors)")
      // Who asked in vain waits before it asks for a hardware address again.
      #expect(try fixture.eventually { try page() == "here" }, "\(up.errors)")
      let neighbour = try #require(before.firstMatch(of: /eth1 +inet ([0-9.]+)/)).1
      #expect(try fixture.exec("other", "timeout 3 wget -qO- http://\(neighbour)/") == "here")
      #expect(try network(fixture) == before)
      #expect(try self.pid(fixture, "web") == pid, "it was not started again")
      // Nothing is left to be done.
      let again = try fixture.stack("up", "-d")
      #expect(again.code == 0 && !again.errors.contains("Warning"), "\(again.errors)")
      #expect(try fixture.stack("down").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func whatIsPutRightIsSaid() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      #expect(try fixture.stack("up", "-d").code == 0)
      _ = try NetworkLab.run(
        """
        for b in $(\(Self.bridges)); do ip link set $b down; ip address flush dev $b; done
        for v in $(ip -o link | grep -o 'stv[^:@ ]*'); do ip link delete $v; done
        """)
      let up = try fixture.stack("up", "-d").errors
      #expect(up.contains(/its bridge stk-\w+ was down and had lost its address 10\.[0-9.]+/), "\(up)")
      #expect(up.contains(/web-1 Warning: it was cut off from its networks \(eth[01], eth[01]\)/), "\(up)")
    }
  }

  static let records = [
    "rm containers/*web*/container", "echo nonsense >containers/$PROJECT-web-1/container",
    "truncate -s 0 containers/*web*/container", "rm containers/*web*/run", "truncate -s 3 containers/*web*/run",
    "rm -r containers", "rm -r ../$PROJECT",
  ]

  @Test(arguments: records)
  func aContainerWhoseRecordIsLostIsMadeAnew(_ command: String) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      #expect(try fixture.stack("up", "-d", "--wait").code == 0)
      let pid = try pid(fixture, "web")
      _ = try NetworkLab.run(
        "PROJECT=\(fixture.project); cd \(fixture.directory)/run/projects/$PROJECT; \(command)")
      let up = try fixture.stack("up", "-d", "--wait")
      #expect(up.code == 0, "\(up.errors)")
      #expect(up.errors.contains(/web-1 Warning: .*record.* lost or damaged.* anew/), "\(up.errors)")
      #expect(try page() == "here")
      #expect(fixture.eventually { kill(pid, 0) != 0 })
      #expect(try fixture.stack("ps").output.contains("Up"))
      #expect(try fixture.stack("down").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func aDamagedRecordIsNamed() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      #expect(try fixture.stack("up", "-d").code == 0)
      let file = "run/projects/\(fixture.project)/containers/\(fixture.project)-web-1/container"
      try fixture.write("nonsense", to: file)
      let ps = try fixture.stack("ps")
      #expect(ps.code == 1)
      #expect(ps.errors.contains("\(fixture.directory)/\(file): damaged record"), "\(ps.errors)")
      #expect(ps.errors.contains("\"stack up\" makes anew what it describes"), "\(ps.errors)")
    }
  }

  @Test func aSupervisorThatWasStoppedGoesOn() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      #expect(try fixture.stack("up", "-d", "--wait").code == 0)
      kill(try #require(try FaultTests.process("supervise", fixture.project)), SIGSTOP)
      kill(try pid(fixture, "web"), SIGKILL)
      let up = try fixture.stack("up", "-d", "--wait", "--wait-timeout", "10")
      #expect(up.code == 0, "\(up.errors)")
    }
  }

  /// What is known of the run before must not count as what has become of the new one.
  @Test func waitingForAServiceThatWasKilledWaitsForItsNextRun() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      #expect(try fixture.stack("up", "-d", "--wait").code == 0)
      for _ in 0..<5 {
        kill(try pid(fixture, "web"), SIGKILL)
        let up = try fixture.stack("up", "-d", "--wait")
        #expect(up.code == 0, "\(up.errors)")
        #expect(try page() == "here")
      }
    }
  }
}
