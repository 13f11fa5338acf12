import IsolationEngine
import JSONDocument
import LinuxCgroup

/// A container as the OCI runtime specification describes it (config.json, versions 1.x, Linux).
///
/// A pure value: nothing of the machine is looked at to make it.
package struct OCIConfiguration: Hashable, Sendable {
  package var version: String
  package var rootPath: String
  package var isRootReadOnly = false
  package var hostname: String?
  package var domainName: String?
  package var process: OCIProcess?
  package var mounts: [ListedMount] = []
  package var hooks = OCIHooks()
  package var annotations: [String: String] = [:]
  package var namespaces = ListedNamespaces()
  package var devices: [DeviceNode] = []
  package var cgroupsPath: String?
  package var resources = OCIResources()
  package var rootPropagation: RootPropagation?
  package var maskedPaths: [String] = []
  package var readOnlyPaths: [String] = []
  package var sysctls: [SysctlSpecification] = []
  /// `linux.seccomp`, as a document of its own.
  package var seccomp: [UInt8]?
  /// Who is asked about calls (`linux.seccomp.listenerPath`).
  package var listenerPath: String?
  /// What is passed on to them.
  package var listenerMetadata: String?
  package var networkDevices: [NetworkDevice] = []
  package var mountLabel: String?
  package var personality: UInt?
  package var memoryPolicy: ListedProcess.MemoryPolicy?
  /// Shares of caches and memory bandwidth are asked for (`linux.intelRdt`).
  package var sharesCaches = false

  package enum RootPropagation: String, Hashable, Sendable {
    case `private`, shared, slave, unbindable
    case rprivate, rshared, rslave, runbindable
  }
}

package struct OCIProcess: Hashable, Sendable {
  package var arguments: [String] = []
  package var environment: [String] = []
  package var workingDirectory = "/"
  package var hasTerminal = false
  package var user = ListedProcess()
  package var capabilities: CapabilityMasks?
  package var resourceLimits: [ResourceLimitSpecification] = []
  package var noNewPrivileges = false
  package var oomScoreAdjustment: Int?
}

package struct OCIHooks: Hashable, Sendable {
  package var prestart: [Hook] = []
  package var createRuntime: [Hook] = []
  package var createContainer: [Hook] = []
  package var startContainer: [Hook] = []
  package var poststart: [Hook] = []
  package var poststop: [Hook] = []
}

package struct OCIResources: Hashable, Sendable {
  package var settings = CgroupResources()
  package var devices: [DeviceDecision] = []
  /// Files of version 2 are named, which version 1 does not have.
  package var unifiedOnly = false

  package init() {}
}

/// Everything that is wrong with a configuration.
package struct OCIConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  package let problems: [String]
  package var description: String { problems.joined(separator: "\n") }
}

extension OCIConfiguration {
  /// Reads config.json. Total: any bytes give a configuration or an error.
  package init(bytes: [UInt8]) throws(OCIConfigurationError) {
    let document: JSON
    do throws(JSONError) {
      document = try JSON(bytes: bytes)
    } catch {
      throw OCIConfigurationError(problems: ["config.json: \(error)"])
    }
    try self.init(document)
  }

  init(_ document: JSON) throws(OCIConfigurationError) {
    let problems = Field.Problems()
    let root = Field(value: document, place: "", problems: problems)
    version = root["ociVersion"]?.string ?? ""
    if version.isEmpty { root.report("ociVersion is missing") }
    if !version.isEmpty && !Self.isSupported(version) {
      root.report("ociVersion \(version) is not supported: this runtime knows 0.x and 1.x")
    }
    rootPath = root["root"]?["path"]?.string ?? ""
    if let field = root["root"], rootPath.isEmpty { field.report("path is missing") }
    isRootReadOnly = root["root"]?["readonly"]?.bool ?? false
    hostname = root["hostname"]?.string
    domainName = root["domainname"]?.string
    if let field = root["process"] { process = OCIProcess(field) }
    mounts = root["mounts"]?.list.compactMap { MountReading($0).mount } ?? []
    if let field = root["hooks"], field.isObject { hooks = OCIHooks(field) }
    for (name, field) in root["annotations"]?.members ?? [] {
      if name.isEmpty { field.report("has no name") }
      annotations[name] = field.string
    }
    if let linux = root["linux"], linux.isObject { read(linux) }
    if let vm = root["vm"], vm.isObject { vm.report("is not for this runtime") }
    root["freebsd"]?["jail"]?.checkJail()
    if !problems.list.isEmpty { throw OCIConfigurationError(problems: problems.list) }
  }

  /// Any 1.x, and what came before: what a later version adds is either unknown here, or optional.
  private static func isSupported(_ version: String) -> Bool {
    let parts = version.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    return parts.count == 3 && ["0", "1"].contains(parts[0]) && parts[1].allSatisfy(\.isNumber) && !parts[1].isEmpty
      && !parts[2].isEmpty && parts[2].first?.isNumber == true
  }
}

extension Field {
  /// Says what is no jail of FreeBSD, which nothing here makes.
  fileprivate func checkJail() {
    for name in ["host", "vnet", "sysvmsg", "sysvsem", "sysvshm"] {
      guard let field = self[name], let text = field.string else { continue }
      let isShared = text == "inherit" || text == "new" || (text == "disable" && name.hasPrefix("sysv"))
      if !isShared { field.report("unknown value \"\(text)\"") }
    }
  }
}
