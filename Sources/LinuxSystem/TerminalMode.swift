import CLinuxShim
import Glibc
import SystemPackage

/// The mode of a terminal (termios(3)), to be put back.
package struct TerminalMode {
  private let descriptor: FileDescriptor
  private let before: termios

  /// Passes every byte through as it is; `restore()` undoes it.
  ///
  /// - Parameter keepsOutput: what is written to it is still made fit for a screen, a newline into a carriage return and one.
  package static func raw(
    _ descriptor: FileDescriptor, keepsOutput: Bool = false
  ) throws(SystemCallError) -> TerminalMode {
    var mode = termios()
    try checkedErrno("tcgetattr", unsafe tcgetattr(descriptor.rawValue, &mode))
    let before = mode
    unsafe cfmakeraw(&mode)
    if keepsOutput { mode.c_oflag |= before.c_oflag & tcflag_t(OPOST) }
    try checkedErrno("tcsetattr", unsafe tcsetattr(descriptor.rawValue, TCSANOW, &mode))
    return TerminalMode(descriptor: descriptor, before: before)
  }

  package func restore() {
    var mode = before
    // Best effort: a terminal that has gone away has no mode.
    _ = unsafe tcsetattr(descriptor.rawValue, TCSANOW, &mode)
  }

  /// Leaves newlines that are written to a terminal as they are, for one whose output goes through another.
  package static func keepNewlines(of terminal: FileDescriptor) {
    var mode = termios()
    // Best effort: at worst each line ends with a carriage return more.
    guard unsafe tcgetattr(terminal.rawValue, &mode) == 0 else { return }
    mode.c_oflag &= ~tcflag_t(ONLCR)
    _ = unsafe tcsetattr(terminal.rawValue, TCSANOW, &mode)
  }

  /// Rows and columns; nil of what is no terminal, or one that does not know.
  package static func size(of terminal: FileDescriptor) -> (rows: Int, columns: Int)? {
    var size = winsize()
    guard unsafe stk_ioctl_pointer(terminal.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0
    else { return nil }
    return (Int(size.ws_row), Int(size.ws_col))
  }

  /// Gives a terminal the size of another one.
  package static func copySize(from source: FileDescriptor, to target: FileDescriptor) {
    var size = winsize()
    // Best effort: without a size programs assume 80 by 24.
    guard unsafe stk_ioctl_pointer(source.rawValue, UInt(TIOCGWINSZ), &size) == 0 else { return }
    _ = unsafe stk_ioctl_pointer(target.rawValue, UInt(TIOCSWINSZ), &size)
  }
}
