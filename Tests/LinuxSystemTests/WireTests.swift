import LinuxSystem
import Testing

@Suite struct WireTests {
  @Test func valuesComeBack() throws {
    let values: [String?] = ["", nil, "täxt"]
    #expect(try [String?](wireBytes: values.wireBytes) == values)
    #expect(try [Int](wireBytes: [-1, 0, .max].wireBytes) == [-1, 0, .max])
    #expect(try ExitStatus(wireBytes: ExitStatus.signalled(9).wireBytes) == .signalled(9))
  }

  @Test func whatIsCutShortIsRefused() {
    let bytes = ["one", "two"].wireBytes
    for count in 0..<bytes.count {
      #expect(throws: WireError.self) { try [String](wireBytes: Array(bytes[..<count])) }
    }
  }

  @Test(arguments: [("SIGTERM", 15), ("term", 15), ("9", 9), ("RTMIN+3", 37)])
  func signalsHaveNames(_ name: String, _ number: Int32) {
    #expect(SignalName.number(of: name) == number)
  }

  @Test(arguments: ["", "SIG", "0", "65", "TERMINATE"])
  func whatIsNoSignalIsNone(_ name: String) {
    #expect(SignalName.number(of: name) == nil)
  }
}
