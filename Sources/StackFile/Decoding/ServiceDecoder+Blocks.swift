import StackModel

extension ServiceDecoder {
  /// The scale of version 1's controller, which the scheduler BFQ has in both versions.
  private static let weights: ClosedRange<UInt64> = 10...1000

  mutating func decodeBlocks() {
    guard let node = node["blkio_config"] else { return }
    var limits = BlockLimits()
    if let weight = node["weight"] { limits.weight = self.weight(weight, "blkio_config.weight") }
    let keys: [(key: String, kind: BlockLimits.Device.Kind)] = [
      ("weight_device", .weight), ("device_read_bps", .readBytes), ("device_write_bps", .writeBytes),
      ("device_read_iops", .readOperations), ("device_write_iops", .writeOperations),
    ]
    for (key, kind) in keys {
      for (index, item) in (node[key]?.items ?? []).enumerated() {
        if let device = device(item, kind, "blkio_config.\(key)[\(index)]") { limits.devices.append(device) }
      }
    }
    if limits != BlockLimits() { service.resources.blocks = limits }
  }

  /// nil when there is nothing to limit: 0 is no limit.
  private func device(_ item: Node, _ kind: BlockLimits.Device.Kind, _ key: String) -> BlockLimits.Device? {
    guard let pathNode = item["path"], let device = pathNode.text, FilePath.isAbsolute(device) else {
      report.refusal(
        item["path"]?.mark ?? item.mark, path(key), "path must be that of a device", hint: "for example /dev/sda")
      return nil
    }
    let value =
      kind == .weight
      ? item["weight"].flatMap { weight($0, key + ".weight") } : item["rate"]?.text.flatMap { UInt64($0) }
    return value.flatMap { $0 == 0 ? nil : BlockLimits.Device(kind: kind, path: device, value: $0) }
  }

  private func weight(_ node: Node, _ key: String) -> UInt64? {
    guard let text = node.text, text != "0" else { return nil }
    guard let weight = UInt64(text), Self.weights.contains(weight) else {
      report.refusal(node.mark, path(key), "a weight is 10 to 1000, but this is \(text)")
      return nil
    }
    return weight
  }
}
