import IsolationEngine
import Testing

@Suite struct ContainerUserTests {
  private let passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n"
  private let group = "root:x:0:\nstaff:x:50:\nextra:x:60:app,other\n"

  @Test func namesAndNumbersAreLookedUp() throws {
    let app = try ContainerUser("app", passwd: passwd, group: group)
    #expect(app.uid == 1000 && app.gid == 1001 && app.supplementaryGroups == [60] && app.home == "/home/app")
    #expect(try ContainerUser("1000", passwd: passwd, group: group) == app)
    #expect(try ContainerUser("", passwd: "", group: "").uid == 0)
    let staff = try ContainerUser("app:staff", passwd: passwd, group: group)
    #expect(staff.gid == 50 && staff.supplementaryGroups == [])
  }

  @Test(arguments: ["nobody", "+1", "4294967295", " 1", "app:nogroup", "-1"])
  func whatIsNoUserIsRefused(_ text: String) {
    #expect(throws: ContainerUser.LookupError.self) { try ContainerUser(text, passwd: passwd, group: group) }
  }
}
