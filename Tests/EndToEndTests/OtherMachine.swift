import Foundation
import TestSupport

/// Another machine, 192.0.2.2, on a wire to 192.0.2.1: the namespace `other`.
enum OtherMachine {
  static func with(_ body: () throws -> Void) throws {
    let lab = try NetworkLab()
    defer {
      _ = try? NetworkLab.run("ip link delete up0")
      try? lab.remove()
    }
    try lab.addNamespace("other")
    try NetworkLab.run(
      """
      set -e
      ip link add up0 type veth peer name e0 netns other
      ip address add 192.0.2.1/24 dev up0 && ip link set up0 up
      ip -n other address add 192.0.2.2/24 dev e0 && ip -n other link set e0 up
      """)
    try body()
  }
}
