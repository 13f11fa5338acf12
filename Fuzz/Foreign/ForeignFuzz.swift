import ForeignBytes
import Glibc

/// libFuzzer's entry for what comes from others but stack files: `FUZZ_TARGET` names which of `ForeignBytes` reads the bytes.
///
/// `make fuzz FUZZ=tar` builds and runs it; the corpora are beside those, one directory each.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  unsafe target.read(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

private let target: ForeignBytes = {
  let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
  guard let target = ForeignBytes(rawValue: name) else {
    fatalError("FUZZ_TARGET is one of \(ForeignBytes.allCases.map(\.rawValue).joined(separator: ", "))")
  }
  return target
}()
