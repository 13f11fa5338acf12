import CArchive
import Glibc

/// A libarchive reader over a byte source.
@safe final class ArchiveReading {
  let handle: OpaquePointer
  private let source: any ByteSource
  /// What the source threw, kept while libarchive's C frames are on the stack.
  private var failure: ArchiveError?

  init(_ source: any ByteSource, _ configure: (OpaquePointer) -> CInt) throws(ArchiveError) {
    guard let handle = unsafe archive_read_new() else { throw .malformed("out of memory") }
    unsafe self.handle = unsafe handle
    self.source = source
    let configured = unsafe configure(handle)
    // Without an external program, a filter that is asked for is there: a warning would say that it is not.
    guard configured == ARCHIVE_OK else { throw unsafe Self.error(of: handle) }
    unsafe archive_read_set_read_callback(handle) { _, context, piece in unsafe ArchiveReading.read(context, piece) }
    unsafe archive_read_set_skip_callback(handle) { _, context, count in unsafe ArchiveReading.skip(context, count) }
    unsafe archive_read_set_callback_data(handle, Unmanaged.passUnretained(self).toOpaque())
    try check(unsafe archive_read_open1(handle))
  }

  deinit {
    unsafe archive_read_free(handle)
  }

  /// Throws for anything but success and warnings, preferring what the source threw.
  @discardableResult
  func check(_ result: CInt) throws(ArchiveError) -> CInt {
    if let failure { throw failure }
    // ARCHIVE_RETRY means a damaged header that was passed over.
    guard result >= ARCHIVE_WARN else { throw unsafe Self.error(of: handle) }
    return result
  }

  private static func error(of handle: OpaquePointer) -> ArchiveError {
    let text = unsafe archive_error_string(handle)
    return .malformed(unsafe text.map { unsafe String(cString: $0) } ?? "unknown reason")
  }

  private static func read(
    _ context: UnsafeMutableRawPointer?, _ piece: UnsafeMutablePointer<UnsafeRawPointer?>?
  ) -> Int {
    guard let context = unsafe context, let piece = unsafe piece else { return -1 }
    let reading = unsafe Unmanaged<ArchiveReading>.fromOpaque(context).takeUnretainedValue()
    do throws(ArchiveError) {
      let next = unsafe try reading.source.next()
      unsafe piece.pointee = next.baseAddress
      return next.count
    } catch {
      reading.failure = error
      return -1
    }
  }

  private static func skip(_ context: UnsafeMutableRawPointer?, _ count: Int64) -> Int64 {
    guard let context = unsafe context else { return 0 }
    let reading = unsafe Unmanaged<ArchiveReading>.fromOpaque(context).takeUnretainedValue()
    do throws(ArchiveError) {
      return Int64(try reading.source.skip(Int(count)))
    } catch {
      reading.failure = error
      return -1
    }
  }
}
