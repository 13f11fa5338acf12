import Glibc
import LinuxMounts
import LinuxSystem
import StackStore
import SystemPackage

/// Starts shims: one process a container, of this very program.
package struct ShimSpawner {
  /// The descriptors that a shim is given.
  package enum Descriptor {
    /// The socket of the conversation (`ShimMessage`).
    package static let channel: CInt = 3
    /// The program itself, as it is executed.
    package static let program: CInt = 4
    /// Port reservations, held as long as the shim lives.
    package static let firstReservation: CInt = 5
  }

  private let program: PreparedMount
  private let null: SharedDescriptor

  /// - Throws: when the program's own file cannot be opened.
  package init() throws(SystemCallError) {
    // A read-only mount of its own: whatever a container finds in /proc/PID/exe, it cannot be opened for writing
    // (CVE-2019-5736).
    let mount = try DetachedMount(cloning: "/proc/self/exe")
    try mount.set(.readOnly)
    program = PreparedMount(mount)
    null = SharedDescriptor(try Files.open("/dev/null", O_RDWR))
  }

  /// A shim that was spawned.
  package struct Shim {
    package let identity: ProcessIdentity
    package let channel: SharedDescriptor
  }

  /// Starts a shim for a container whose specification is written, and lets it go on once it can be found.
  package func spawn(
    for container: ContainerDirectory, holding reservations: [PortReservation]
  ) throws(SystemCallError) -> Shim {
    let (channel, shimEnd) = try DescriptorPair.messageSockets().split()
    var descriptors: [CInt: FileDescriptor] = [
      0: null.borrowed, 1: null.borrowed, 2: null.borrowed,
      Descriptor.channel: shimEnd.borrowed, Descriptor.program: program.descriptor,
    ]
    for (index, reservation) in reservations.enumerated() {
      descriptors[Descriptor.firstReservation + CInt(index)] = reservation.socket.borrowed
    }
    var spawn = Spawn(
      path: "/proc/self/fd/\(Descriptor.program)",
      arguments: ["stack", "shim", container.path, container.logs], environment: [], descriptors: descriptors)
    spawn.newSession = true
    let pid = try spawn.start()
    shimEnd.close()
    let identity = try ProcessIdentity(of: pid)
    try container.write(.shim, identity)
    try Message.send(ShimMessage.go.wireBytes, over: channel.borrowed)
    return Shim(identity: identity, channel: channel)
  }
}
