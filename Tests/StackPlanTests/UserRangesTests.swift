import StackPlan
import Testing

struct UserRangesTests {
  @Test func areTheSameEachTimeAndNeverTwice() throws {
    let first = try #require(UserRanges.choose(for: "shop", taken: []))
    #expect(first == UserRanges.choose(for: "shop", taken: []))
    #expect(first >= 0x4000_0000 && first % UserRanges.size == 0)
    var taken: [UserRanges.Range] = []
    for number in 0..<1023 {
      let base = try #require(UserRanges.choose(for: "stack-\(number)", taken: taken))
      #expect(Int32(exactly: base + UserRanges.size - 1) != nil)
      #expect(!taken.contains { $0.first == base })
      taken.append(Self.range(base))
    }
    #expect(UserRanges.choose(for: "one more", taken: taken) == nil)
    #expect(UserRanges.choose(for: "shop", taken: [Self.range(first)]) == first + UserRanges.size)
  }

  @Test func leaveThoseOfOthersAlone() throws {
    let first = try #require(UserRanges.choose(for: "shop", taken: []))
    let text = "somebody:\(first + 100):10\n# no claim\nother:x:1\n:1\n"
    #expect(UserRanges.parse(text).count == 1)
    #expect(UserRanges.choose(for: "shop", taken: UserRanges.parse(text)) == first + UserRanges.size)
    #expect(UserRanges.choose(for: "shop", taken: UserRanges.parse("all:0:4294967295\n")) == nil)
    // A stack that was made when ranges were smaller.
    let old = UserRanges.Range(first: UInt64(first) + 3 * 65536, count: 65536)
    #expect(UserRanges.choose(for: "shop", taken: [old]) == first + UserRanges.size)
  }

  private static func range(_ base: UInt32) -> UserRanges.Range {
    UserRanges.Range(first: UInt64(base), count: UInt64(UserRanges.size))
  }
}
