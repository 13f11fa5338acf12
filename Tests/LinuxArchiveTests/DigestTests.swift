import LinuxArchive
import Testing

struct DigestTests {
  @Test func hashesAsTheStandardSays() {
    // FIPS 180-2, appendix B.
    #expect(
      Digest(of: Array("abc".utf8)).description
        == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(Digest(of: []).hexadecimal == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }

  @Test func onlyTheExactFormIsADigest() {
    let digits = String(repeating: "0a", count: 32)
    #expect(Digest("sha256:" + digits)?.hexadecimal == digits)
    let short = String(digits.dropLast())
    let shorter = String(digits.dropLast(2))
    let texts: [String] = [
      digits, "sha256:\(short)", "sha256:\(digits)0", "sha256:\(digits.uppercased())", "sha512:\(digits)",
      "sha256:../../../../../../../../../../etc/hostname", "sha256:\(shorter)/x", "", "sha256:\(shorter)é",
    ]
    for text in texts {
      #expect(Digest(text) == nil, "\(text)")
    }
  }
}
