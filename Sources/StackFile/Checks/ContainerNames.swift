import StackModel

/// A container name belongs to one service.
struct ContainerNames {
  let services: [DecodedService]
  let report: Report

  func check() {
    var owners: [String: String] = [:]
    for decoded in services {
      guard let name = decoded.service.containerName, let node = decoded.member.value["container_name"] else {
        continue
      }
      if let other = owners[name] {
        report.refusal(
          node.mark, "services.\(decoded.service.name).container_name",
          "the container name \"\(name)\" is already that of the service \"\(other)\"")
      }
      owners[name] = decoded.service.name
    }
  }
}
