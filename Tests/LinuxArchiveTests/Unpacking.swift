import CLinuxShim
import Glibc
import LinuxArchive
import LinuxSystem
import SystemPackage
import TestSupport

/// A directory in which layers are unpacked, one above the other.
final class LayerFixture {
  let directory: TemporaryDirectory
  private(set) var roots: [SharedDescriptor] = []

  init() throws {
    directory = try TemporaryDirectory()
  }

  /// Unpacks a layer above those that are there.
  @discardableResult
  func add(_ tar: [UInt8], limits: UnpackLimits = UnpackLimits(bytes: 1 << 30)) throws -> UnpackedLayer {
    let name = "layer\(roots.count)"
    try Files.makeDirectory(directory(name), mode: 0o755)
    let root = SharedDescriptor(try Files.open(directory(name), O_RDONLY | O_DIRECTORY))
    let recipe = try Files.open(directory("\(name).recipe"), O_WRONLY | O_CREAT, mode: 0o600)
    let file = SharedDescriptor(try Files.open(try directory.write(tar, to: "\(name).tar")))
    let layer = try LayerUnpacking.unpack(
      FileSource(file, count: UInt64(tar.count)), into: root.borrowed, over: roots, recipe: recipe.borrowed,
      limits: limits)
    roots.append(root)
    return layer
  }

  @discardableResult
  func add(limits: UnpackLimits = UnpackLimits(bytes: 1 << 30), _ build: (inout TarBuilder) -> Void) throws
    -> UnpackedLayer
  {
    var tar = TarBuilder()
    build(&tar)
    return try add(tar.finished, limits: limits)
  }

  func path(_ name: String, layer: Int = 0) -> String { directory("layer\(layer)/\(name)") }

  func text(_ name: String, layer: Int = 0) throws -> String { try Files.text(path(name, layer: layer)) }

  func status(_ name: String, layer: Int = 0) throws -> stat { try Files.status(path(name, layer: layer)) }

  func exists(_ name: String, layer: Int = 0) -> Bool { Files.exists(path(name, layer: layer)) }

  func isWhiteout(_ name: String, layer: Int = 0) throws -> Bool {
    let status = try status(name, layer: layer)
    return status.st_mode & S_IFMT == S_IFCHR && status.st_rdev == 0
  }

  func attribute(_ attribute: String, of name: String, layer: Int = 0) -> [UInt8]? {
    var value = [UInt8](repeating: 0, count: 256)
    let count = stk_lgetxattr(path(name, layer: layer), attribute, &value, value.count)
    return count < 0 ? nil : Array(value[..<count])
  }

  func isOpaque(_ name: String, layer: Int = 0) -> Bool {
    attribute("trusted.overlay.opaque", of: name, layer: layer) == Array("y".utf8)
  }

  /// The tar that the recipe of a layer makes.
  func regenerated(layer: Int = 0) throws -> Digest {
    let recipe = SharedDescriptor(try Files.open(directory("layer\(layer).recipe")))
    return try Spool.digest(of: RecipeSource(recipe: recipe, root: roots[layer]))
  }
}
