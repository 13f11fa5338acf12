import LinuxSystem
import Testing

@Suite struct ProcessIdentityTests {
  /// A pid that has been given to another process is not taken for the one that had it: nothing is killed by mistake.
  @Test func aPidThatIsUsedAgainIsAnotherProcess() throws {
    let own = try ProcessIdentity.current()
    #expect(try own.open() != nil)
    #expect(try own.isAlive)
    let former = ProcessIdentity(pid: own.pid, startTime: own.startTime - 1)
    #expect(try former.open() == nil)
    #expect(try former.isAlive == false)
    #expect(try ProcessIdentity(pid: .max, startTime: own.startTime).open() == nil)
  }
}
