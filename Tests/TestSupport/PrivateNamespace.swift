import Glibc
import Testing

/// Conditions for tests that change the machine.
extension Trait where Self == ConditionTrait {
  /// The test needs root and runs only inside a mount and network namespace of its own, which `make test` makes: it says so
  /// by `STACK_TEST_PRIVATE=1` in the environment.
  package static var privateNamespace: Self {
    .enabled(
      if: getuid() == 0 && getenv("STACK_TEST_PRIVATE") != nil,
      "needs root in a private mount and network namespace: run it with `sudo make test`")
  }
}
