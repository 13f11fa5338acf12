import LinuxSystem
import SystemPackage

/// Limits in the kernel's own terms, for a group whose path and files somebody else chooses.
package struct CgroupResources: Hashable, Sendable {
  /// A value for a file of a controller, which is there in one of the two versions.
  package struct Setting: Hashable, Sendable {
    package var controller: CgroupController
    package var file: String
    package var value: String
    /// A missing file, or a missing controller, is no error: the kernel was built without the feature.
    package var isOptional: Bool
    /// The file that has the same meaning where the kernel does not have `file`.
    package var otherFile: String?

    package init(
      _ controller: CgroupController, _ file: String, or otherFile: String? = nil, _ value: String,
      isOptional: Bool = false
    ) {
      self.controller = controller
      self.file = file
      self.value = value
      self.isOptional = isOptional
      self.otherFile = otherFile
    }
  }

  /// For controllers of version 1, in this order.
  package var legacy: [Setting] = []
  /// For controllers of version 2.
  package var unified: [Setting] = []
  /// Rules about device nodes, of which the last one that matches counts. nil makes none.
  package var devices: [DeviceDecision]?

  package init() {}
}

extension Cgroup {
  /// Makes the group in every hierarchy and sets its limits. A group that exists is updated.
  ///
  /// Needs root. On failure some directories may exist: `remove()` takes them back.
  package func create(_ resources: CgroupResources) throws(CgroupError) {
    let controllers = Set(CgroupController.allCases)
    for mount in hierarchy.mountPoints + hierarchy.others { try makeDirectory(in: mount, controllers) }
    try update(resources)
    if let devices = resources.devices { try apply(devices) }
  }

  /// Changes limits of a group that exists. Device rules stay as they are.
  package func update(_ resources: CgroupResources) throws(CgroupError) {
    for setting in resources.legacy {
      guard case .legacy = hierarchy.location(of: setting.controller) else { continue }
      try write(setting, among: resources.legacy)
    }
    try awaitFiles(resources.unified.map { ($0.controller, $0.file) }, of: Set(CgroupController.allCases))
    for setting in resources.unified {
      guard case .unified = hierarchy.location(of: setting.controller) else { continue }
      try write(setting, among: [])
    }
    for setting in resources.legacy where !setting.isOptional {
      // `io` and `blkio` are one controller under two names.
      let others = setting.controller == .blkio ? [CgroupController.blkio, .io] : [setting.controller]
      if others.allSatisfy({ hierarchy.location(of: $0) == .absent }) {
        throw .system(
          SystemCallError("cgroup controller \(setting.controller.rawValue)", on: setting.file, .notSupported))
      }
    }
  }

  /// Files of version 1 that must agree at every moment: memory is never above memory and swap, a quota never above what the
  /// group above has of the same period. Which of the two goes first depends on what is there.
  private static let checkedTogether = [
    "memory.limit_in_bytes": "memory.memsw.limit_in_bytes", "cpu.cfs_period_us": "cpu.cfs_quota_us",
    "cpu.rt_period_us": "cpu.rt_runtime_us",
  ]

  private func write(_ setting: CgroupResources.Setting, among all: [CgroupResources.Setting]) throws(CgroupError) {
    guard let directory = directory(of: setting.controller) else { return }
    do throws(SystemCallError) {
      try Files.write(setting.value, to: "\(directory)/\(setting.file)")
    } catch {
      if error.errno == .noSuchFileOrDirectory, let other = setting.otherFile {
        var second = setting
        (second.file, second.otherFile) = (other, nil)
        return try write(second, among: all)
      }
      if setting.isOptional && [.noSuchFileOrDirectory, .permissionDenied].contains(error.errno) { return }
      let other = all.first { $0.file == Self.checkedTogether[setting.file] }
      guard error.errno == .invalidArgument, let other else { throw .system(error) }
      try systemCalls { () throws(SystemCallError) in
        try Files.write(other.value, to: "\(directory)/\(other.file)")
        try Files.write(setting.value, to: "\(directory)/\(setting.file)")
      }
    }
  }

  private func apply(_ devices: [DeviceDecision]) throws(CgroupError) {
    switch hierarchy.location(of: .devices) {
    case .legacy(let mount):
      try systemCalls { () throws(SystemCallError) in
        for decision in devices {
          let file = decision.isAllowed ? "devices.allow" : "devices.deny"
          try Files.write(decision.legacyText, to: "\(mount)/\(path)/\(file)")
        }
      }
    case .unified, .absent:
      guard let directory = unifiedDirectory else { return }
      try systemCalls { () throws(SystemCallError) in try DeviceProgram(devices).attach(to: directory) }
    }
  }

  /// Where the group's files can be seen, by the name that the directory has below /sys/fs/cgroup; the unified hierarchy's
  /// name is empty where it is the only one.
  package var directoriesByName: [(name: String, path: String)] {
    directories.map { directory in
      let mount = directory.dropLast(path.utf8.count + 1)
      return (String(mount.dropFirst("/sys/fs/cgroup".utf8.count).drop { $0 == "/" }), directory)
    }
  }

  /// - Throws: for a group that somebody else runs processes in, or has frozen: a container would share their fate.
  package func checkUnused() throws(CgroupError) {
    guard exists else { return }
    if try !processes().isEmpty { throw .inUse(path: path, reason: "container's cgroup is not empty") }
    let states = [try isFrozen, try isFrozenByVersion1]
    if states.contains(true) { throw .inUse(path: path, reason: "container's cgroup unexpectedly frozen") }
  }

  package var exists: Bool { directories.contains { Files.exists($0) } }
}
