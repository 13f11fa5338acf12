import Glibc

/// Runs `body` on a thread made for it, and gives back what it returned, once the thread has ended.
///
/// Capabilities, user ids (by raw system calls), namespaces and seccomp filters belong to a thread: what `body` does to its
/// own vanishes with it.
package func onOwnThread<Result>(_ body: @escaping () throws -> Result) throws -> Result {
  var result: Swift.Result<Result, any Error>?
  let work = ThreadBody { result = Swift.Result { try body() } }
  var thread = pthread_t()
  let status = pthread_create(
    &thread, nil,
    { argument in
      if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeUnretainedValue().run() }
      return nil
    }, Unmanaged.passUnretained(work).toOpaque())
  guard status == 0 else { throw ThreadError(errno: status) }
  pthread_join(thread, nil)
  withExtendedLifetime(work) {}
  guard let result else { throw ThreadError(errno: 0) }
  return try result.get()
}

private final class ThreadBody {
  let run: () -> Void
  init(_ run: @escaping () -> Void) { self.run = run }
}

/// A thread that could not be made, or that ended without a result.
package struct ThreadError: Error {
  /// What pthread_create(3) returned.
  package let errno: CInt
}
