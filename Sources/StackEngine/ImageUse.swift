import StackImages
import StackStore

extension StatePaths {
  /// What the containers of all stacks are made from.
  package func imageUse() throws -> ImageUse {
    var use = ImageUse()
    for project in try projects() {
      for status in try self.project(project).statuses() {
        guard let record = status.record, !record.imageID.isEmpty else { continue }
        // A root file system that is no image has the path of its layer for an id.
        if record.imageID.hasPrefix("/") {
          use.layers.insert(record.imageID)
        } else {
          use.images[record.imageID, default: []].append(status.directory.name)
        }
      }
    }
    return use
  }
}
