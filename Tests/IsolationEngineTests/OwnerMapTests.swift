import Testing

@testable import IsolationEngine

struct OwnerMapTests {
  private func owner(_ disk: UInt32, _ map: OwnerMap) -> UInt32? {
    map.users.first { disk >= $0.disk && disk - $0.disk < $0.count }.map { $0.kernel + (disk - $0.disk) }
  }

  /// On the disk the caller's, for the container its user's; everybody else stays who he is.
  @Test(arguments: [UserMapping(base: 100_000, count: 65536), nil], [0, 33, 70_000] as [UInt32])
  func exchangesTheCallerAndTheMember(mapping: UserMapping?, member: UInt32) {
    let map = OwnerMap(mapping, caller: FileOwner(uid: 1000, gid: 1000), member: FileOwner(uid: member, gid: member))
    let (base, count) = (mapping?.base ?? 0, mapping?.count ?? .max)
    if member < count {
      #expect(owner(1000, map) == base + member)
      #expect(owner(member, map) == base + 1000)
    }
    for other: UInt32 in [1, 999, 1001, 65535] { #expect(owner(other, map) == base + other) }
    #expect(Set(map.users.map(\.disk)).count == map.users.count && map.users.count <= 5)
    #expect(map.users.allSatisfy { $0.count > 0 })
  }

  @Test func aCallerWithoutANumberInTheContainer() {
    let map = OwnerMap(
      UserMapping(base: 100_000, count: 1000), caller: FileOwner(uid: 5000, gid: 5000),
      member: FileOwner(uid: 0, gid: 0))
    #expect(owner(5000, map) == 100_000)
    #expect(owner(0, map) == nil)
    #expect(owner(999, map) == 100_999)
  }

  @Test func aCallerWhoIsTheMember() {
    let same = FileOwner(uid: 0, gid: 0)
    #expect(OwnerMap(nil, caller: same, member: same).users == [.init(disk: 0, kernel: 0, count: .max)])
  }
}
