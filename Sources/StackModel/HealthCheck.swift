/// How to find out whether a service is ready, and stays well: `healthcheck`, and `ready`, which needs nothing in the image.
package struct HealthCheck: Sendable, Hashable, Codable {
  package enum Probe: Sendable, Hashable, Codable {
    /// A program with its arguments, executed in the container.
    case command([String])
    /// A line for the container's shell.
    case shell(String)
    /// A port of the container that accepts connections.
    case tcp(port: UInt16)
    case http(HTTPProbe)
    /// An extended regular expression (regex(7)) that a line of the container's output matches.
    case log(pattern: String)
    /// An absolute path of the container at which something exists.
    case file(path: String)
  }

  /// nil is the image's own.
  package var probe: Probe?
  /// `disable: true`, or a `test` of `NONE`: not even the image's own.
  package var isDisabled = false
  /// Between two checks of a service that is healthy; nanoseconds, as all that follow. nil is 30 s.
  package var interval: UInt64?
  /// nil is 30 s.
  package var timeout: UInt64?
  /// After the start: failures in it do not count. nil is none.
  package var startPeriod: UInt64?
  /// The longest time between two checks before the first success.
  package var startInterval: UInt64?
  /// Failures in a row that make a service unhealthy; nil is 3.
  package var retries: Int?

  package init(_ probe: Probe? = nil) {
    self.probe = probe
  }

  /// These values, and where they say nothing those of the image.
  package func completed(by image: HealthCheck?) -> HealthCheck {
    guard let image, !isDisabled else { return self }
    var result = self
    result.probe = probe ?? image.probe
    result.interval = interval ?? image.interval
    result.timeout = timeout ?? image.timeout
    result.startPeriod = startPeriod ?? image.startPeriod
    result.startInterval = startInterval ?? image.startInterval
    result.retries = retries ?? image.retries
    return result
  }
}

/// A request that a ready service answers as expected.
package struct HTTPProbe: Sendable, Hashable, Codable {
  package var port: UInt16
  package var path: String
  /// nil is any of 200 to 399.
  package var status: Int?
  package var headers: [EnvironmentVariable] = []

  package init(port: UInt16, path: String = "/", status: Int? = nil) {
    self.port = port
    self.path = path
    self.status = status
  }
}

/// A command that is run in a container when it has started, or before it is stopped (`post_start`, `pre_stop`).
package struct LifecycleHook: Sendable, Hashable, Codable {
  package var command: [String]
  package var user: String?
  package var isPrivileged = false
  package var workingDirectory: String?
  package var environment: [EnvironmentVariable] = []

  package init(command: [String]) {
    self.command = command
  }
}

/// What `deploy.restart_policy` says beyond the policy itself.
package struct RestartTiming: Sendable, Hashable, Codable {
  /// Between the end and the next start, nanoseconds; nil grows with each restart.
  package var delay: UInt64?
  /// nil is as often as it takes.
  package var maximumAttempts: Int?
  /// How long a start must last to have succeeded; nanoseconds.
  package var window: UInt64?

  package init(delay: UInt64? = nil, maximumAttempts: Int? = nil, window: UInt64? = nil) {
    self.delay = delay
    self.maximumAttempts = maximumAttempts
    self.window = window
  }
}
