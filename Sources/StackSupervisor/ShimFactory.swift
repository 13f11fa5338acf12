import CLinuxShim
import Glibc
import IsolationEngine
import LinuxSystem
import StackEngine
import StackStore
import SystemPackage

/// The process that makes shims: `stack shims DIRECTORY`, see `ShimSpawner`.
///
/// Single-threaded. It forks one shim for each request, writes down who that is, lets it begin, and forgets it; whoever
/// collects orphans reaps the shims.
package struct ShimFactory {
  private let mappings = SharedMappings()
  private let requests = FileDescriptor(rawValue: ShimSpawner.Descriptor.requests)

  /// The main function of the process.
  package static func main() -> Never {
    close(ShimSpawner.Descriptor.program)
    let factory = ShimFactory()
    do {
      // With the spawner ends the right to start anything.
      try checked("prctl", stk_prctl(STK_PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0))
      umask(0)
      ContainerLaunch.getReady()
      while let order = try factory.nextOrder() { factory.make(order) }
      _exit(0)
    } catch {
      // The spawner sees the end of the channels of all shims that were not made. Best effort: it may be gone.
      try? Message.send(Array("\(error)".utf8), over: factory.requests)
      _exit(1)
    }
  }

  private struct Order {
    let container: ContainerDirectory
    let channel: SharedDescriptor
    let reservations: [SharedDescriptor]
    let kind: ContainerStreams
    let streams: [SharedDescriptor]
  }

  private func nextOrder() throws -> Order? {
    guard let (bytes, channel) = try Message.receiveWithDescriptor(over: requests, limit: 16 << 10), let channel
    else { return nil }
    let request = try ShimRequest(wireBytes: bytes)
    guard let reservations = try nextDescriptors(Int(request.reservations)),
      let streams = try nextDescriptors(request.streams == .given ? 3 : 0)
    else { return nil }
    return Order(
      container: ContainerDirectory(path: request.directory, logs: request.logs), channel: channel,
      reservations: reservations, kind: request.streams, streams: streams)
  }

  /// Descriptors that follow a request, each with a message of its own; nil when the spawner ends before the last.
  private func nextDescriptors(_ count: Int) throws -> [SharedDescriptor]? {
    var descriptors: [SharedDescriptor] = []
    for _ in 0..<count {
      guard let next = try Message.receiveWithDescriptor(over: requests, limit: 16)?.descriptor else { return nil }
      descriptors.append(next)
    }
    return descriptors
  }

  private func make(_ order: Order) {
    do {
      let (record, bytes) = try order.container.readBoth()
      let specification = try ContainerSpecification(wireBytes: bytes)
      mappings.prepare(for: specification)
      try StackScope.enter(project: record.project)
      let (begin, word) = try DescriptorPair.pipe().split()
      let pid = try checked("fork", stk_fork())
      if pid == 0 {
        word.close()
        close(requests.rawValue)
        close(ShimSpawner.Descriptor.lock)
        ShimProcess(
          order.container, specification, sharing: mappings, record, reportingTo: order.channel, order.kind,
          order.streams
        ).run(begin)
      }
      try order.container.beginRun(try ProcessIdentity(of: pid))
      try Files.writeAll(word.borrowed, [0], object: "pipe")
    } catch {
      // Best effort: a spawner that is gone cannot be told.
      try? Message.send(
        ShimMessage.failed(step: "make shim", reason: "\(error)").wireBytes, over: order.channel.borrowed)
    }
    withExtendedLifetime(order.reservations) {}
  }
}
