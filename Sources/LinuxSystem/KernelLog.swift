import Glibc
import SystemPackage

/// The kernel's log (`/dev/kmsg`).
package enum KernelLog {
  /// The messages that are kept and have `text` in them, oldest first. Needs CAP_SYSLOG.
  package static func messages(containing text: String) throws(SystemCallError) -> [String] {
    let log = try Files.open("/dev/kmsg", O_RDONLY | O_NONBLOCK)
    var messages: [String] = []
    while true {
      do throws(SystemCallError) {
        // One record a read: `priority,number,time,flags;message`, and then lines of properties.
        let record = String(decoding: try Files.readOnce(log.borrowed, limit: 8192), as: UTF8.self)
        if record.isEmpty { return messages }
        if record.contains(text), let start = record.firstIndex(of: ";") {
          messages.append(String(record[start...].dropFirst().prefix { $0 != "\n" }))
        }
      } catch  where error.errno == .resourceTemporarilyUnavailable {
        return messages
      } catch  where error.errno == .brokenPipe {
        // Records were overwritten before they could be read: the next read goes on with what is left.
        continue
      }
    }
  }
}
