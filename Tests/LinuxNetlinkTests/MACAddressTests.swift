import InternetAddress
import LinuxNetlink
import Testing

struct MACAddressTests {
  @Test(arguments: ["02:42:0a:00:00:02", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"])
  func readsWhatItWrites(_ text: String) {
    #expect(MACAddress(text)?.description == text)
  }

  @Test(arguments: [
    "", "02:42:0a:00:00", "02:42:0a:00:00:02:03", "2:42:0a:00:00:02", "02:42:0a:00:00:0g", "+2:42:0a:00:00:02",
  ])
  func refuses(_ text: String) {
    #expect(MACAddress(text) == nil)
  }

  @Test func followsTheAddress() throws {
    let address = MACAddress(of: try #require(IPv4Address("10.5.0.200")))
    #expect(address.description == "02:42:0a:05:00:c8")
    #expect(address.octets == [2, 0x42, 10, 5, 0, 200])
    // Locally administered, and not a group address (IEEE 802).
    #expect(address.octets[0] & 0b11 == 0b10)
  }
}
