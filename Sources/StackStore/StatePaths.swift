import LinuxSystem

/// Where everything is kept: `/run/stack` for what lives as long as the machine is up, `/var/lib/stack` for what stays.
package struct StatePaths: Hashable, Sendable {
  /// `STACK_RUN_DIR`, or `/run/stack`.
  package let run: String
  /// `STACK_DATA_DIR`, or `/var/lib/stack`.
  package let data: String

  package init(run: String, data: String) {
    self.run = run
    self.data = data
  }

  package init(environment: [String: String]) {
    func path(_ name: String, _ fallback: String) -> String {
      guard let value = environment[name], !value.isEmpty else { return fallback }
      return value
    }
    self.init(run: path("STACK_RUN_DIR", "/run/stack"), data: path("STACK_DATA_DIR", "/var/lib/stack"))
  }

  package func project(_ name: String) -> ProjectDirectory {
    ProjectDirectory(name: name, path: "\(run)/projects/\(name)", logs: "\(data)/logs/\(name)")
  }

  /// The names of all projects that have state, sorted.
  package func projects() throws(SystemCallError) -> [String] {
    try Files.namesIfPresent(in: "\(run)/projects")
  }

  package var seccompCache: String { "\(data)/seccomp" }
  package var baseLayer: String { "\(data)/base" }
  package var volumes: String { "\(data)/volumes" }

  /// The lock of a project: beside its directory, which comes and goes.
  package func lockPath(of project: String) -> String { "\(run)/locks/\(project)" }
}
