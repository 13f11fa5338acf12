import StackModel

/// The names of everything that a stack makes in the kernel.
///
/// All follow from the name of the project and what the stack file says, so that a stack can be taken down when nothing but its
/// name is known; nothing that carries another name is ever changed. Interfaces have at most 15 characters
/// (IFNAMSIZ, netdevice(7)), too few for the names themselves: they carry 32 bits of a hash.
package enum KernelNames {
  /// `stk-1a2b3c4d`: the bridge of a network, from the project and the network's own name.
  package static func bridge(project: String, network: String) -> String {
    bridgePrefix + short("bridge", project, network)
  }

  package static let bridgePrefix = "stk-"

  /// `stv1a2b3c4dn0`: the host's end of the pair that puts a container on its network number `index`, from 0.
  ///
  /// Networks of one container differ in the last part only.
  package static func hostInterface(project: String, container: String, index: Int) -> String {
    "stv" + short("veth", project, container) + "n\(index)"
  }

  /// `eth0`, `eth1`, …: the container's end.
  package static func containerInterface(index: Int) -> String { "eth\(index)" }

  /// The group of all interfaces of a project (`ip link set group`), which can be removed together. Never the default group, 0.
  ///
  /// 24 bits of a hash below 0x53 ("S"): whoever removes a group checks the names of its members first.
  package static func linkGroup(project: String) -> UInt32 {
    0x5300_0000 | StableHash.folded(StableHash.of("group", project)) & 0x00FF_FFFF
  }

  /// `stack-web`: the nftables table of a project.
  package static func table(project: String) -> String { "stack-\(project)" }

  /// `stack/web`: all cgroups of a project, below the root of a hierarchy.
  package static func cgroup(project: String) -> String { "stack/\(project)" }

  /// `stack/web/web-db-1`: the cgroup of a container.
  package static func cgroup(project: String, container: String) -> String { "stack/\(project)/\(container)" }

  /// The container of a service, or of one of its replicas: `web-db-1`; or `web-db-run-1a2b3c4d`, or `web-db-pre_start.0`.
  package static func container(project: String, _ service: Service) -> String {
    let name = service.serviceName
    switch service.instance?.kind {
    case nil, .replica: return container(project: project, service: name, number: service.number)
    case .oneOff(let identifier): return "\(project)-\(name)-run-\(identifier)"
    // After a dot: the container of no service has such a name.
    case .initStep(let place):
      return "\(project)-\(name)-\(place.replica.map { "\($0)-" } ?? "")pre_start.\(place.index)"
    }
  }

  /// `web-db-1`: the container of a service; `number` is from 1.
  package static func container(project: String, service: String, number: Int = 1) -> String {
    "\(project)-\(service)-\(number)"
  }

  private static func short(_ kind: String, _ project: String, _ name: String) -> String {
    StableHash.hexadecimal(StableHash.folded(StableHash.of(kind, project, name)))
  }
}
