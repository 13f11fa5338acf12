import StackPlan
import Testing

struct UserRangesTests {
  @Test func areTheSameEachTimeAndNeverTwice() throws {
    let first = try #require(UserRanges.choose(for: "shop", taken: [], foreign: []))
    #expect(first == UserRanges.choose(for: "shop", taken: [], foreign: []))
    #expect(first >= 0x4000_0000 && first % UserRanges.size == 0)
    var taken: Set<UInt32> = []
    for number in 0..<2000 {
      let base = try #require(UserRanges.choose(for: "stack-\(number)", taken: taken, foreign: []))
      #expect(Int32(exactly: base + UserRanges.size) != nil)
      #expect(taken.insert(base).inserted)
    }
    #expect(UserRanges.choose(for: "shop", taken: [first], foreign: []) == first + UserRanges.size)
  }

  @Test func leaveThoseOfOthersAlone() throws {
    let first = try #require(UserRanges.choose(for: "shop", taken: [], foreign: []))
    let text = "somebody:\(first + 100):10\n# no claim\nother:x:1\n:1\n"
    #expect(UserRanges.parse(text).count == 1)
    #expect(UserRanges.choose(for: "shop", taken: [], foreign: UserRanges.parse(text)) == first + UserRanges.size)
    let everything = UserRanges.parse("all:0:4294967295\n")
    #expect(UserRanges.choose(for: "shop", taken: [], foreign: everything) == nil)
  }
}
