import StackModel

/// One thing found in a file, before it has its text around it.
struct Finding: Hashable {
  var severity: Diagnostic.Severity
  var mark: Mark
  var path: String?
  var message: String
  var hint: String?
}

/// Everything that a load finds, and the files it is found in.
///
/// Phases add to it and go on: a user sees all mistakes at once.
final class Report {
  private let purpose: LoadRequest.Purpose
  private(set) var sources: [SourceText] = []
  private var findings: [Finding] = []
  private var known: Set<Finding> = []
  private var inert: [String: (index: Int, count: Int)] = [:]
  private(set) var errorCount = 0
  /// What a value was laid over, by the value's place.
  private var overridden: [Mark: Mark] = [:]
  /// Which service took a value from another with `extends`, and where, by the value's place.
  private var taken: [Mark: (service: String, mark: Mark)] = [:]

  /// More than anybody reads; keeps a hostile file from filling the memory.
  private static let maximum = 1000
  private static let maximumSuggestions = 100
  private static let maximumOrigins = 100_000
  /// What is wrong with values that another file may replace, by their places.
  private var held: [Mark: [Finding]] = [:]
  /// What is wrong with supplements when there is nothing below them, and what is said of them when there is.
  private var supplements: [Mark: (alone: Finding, over: Finding)] = [:]

  init(purpose: LoadRequest.Purpose = .run) {
    self.purpose = purpose
  }

  func add(_ source: SourceText) -> UInt16 {
    sources.append(source)
    return UInt16(clamping: sources.count - 1)
  }

  func source(_ mark: Mark) -> SourceText? {
    Int(mark.source) < sources.count ? sources[Int(mark.source)] : nil
  }

  func error(_ mark: Mark, _ path: String?, _ message: String, hint: String? = nil) {
    add(Finding(severity: .error, mark: mark, path: path, message: message, hint: hint))
  }

  func warning(_ mark: Mark, _ path: String?, _ message: String, hint: String? = nil) {
    add(Finding(severity: .warning, mark: mark, path: path, message: message, hint: hint))
  }

  /// What the format allows, but a stack that is to run does not.
  func refusal(_ mark: Mark, _ path: String?, _ message: String, hint: String? = nil) {
    add(Finding(severity: refusalSeverity, mark: mark, path: path, message: message, hint: hint))
  }

  // MARK: What the whole decides

  /// Keeps a finding until it is known whether the value is still there when all files are laid over each other.
  func hold(_ finding: Finding) {
    if held.count < Self.maximum { held[finding.mark, default: []].append(finding) } else { add(finding) }
  }

  func holdSupplement(alone: Finding, over: Finding) { supplements[alone.mark] = (alone, over) }

  /// There was a value below a supplement.
  func addSupplement(at mark: Mark) {
    if let known = supplements[mark] { add(known.over) }
  }

  /// Adds what was held about the values that are left.
  func settle(_ node: Node) {
    settleSupplements(node)
    if !held.isEmpty { settleValues(node) }
  }

  private func settleValues(_ node: Node) {
    if node.isReset { return }
    switch node.content {
    case .scalar: for finding in held[node.mark] ?? [] { add(finding) }
    case .sequence(let items): for item in items { settleValues(item) }
    case .mapping(let members): for member in members { settleValues(member.value) }
    }
  }

  /// Adds what is wrong with supplements that have nothing below them. A file must be right without those after it.
  func settleSupplements(_ node: Node) {
    guard !supplements.isEmpty, !node.isReset else { return }
    if node.tag == .supplement, let known = supplements[node.mark] { add(known.alone) }
    for item in node.items { settleSupplements(item) }
    for member in node.members { settleSupplements(member.value) }
  }

  /// The severity of what the format allows, but a stack that is to run does not.
  var refusalSeverity: Diagnostic.Severity { purpose == .run ? .error : .warning }

  // MARK: Where values come from

  func overriding(_ base: Mark, by over: Mark) {
    guard overridden.count < Self.maximumOrigins, base != over else { return }
    overridden[over] = base
  }

  /// The service `name` takes this value over, because of what stands at `mark`.
  func taking(_ value: Node, for name: String, at mark: Mark) {
    guard taken.count < Self.maximumOrigins else { return }
    taken[value.mark] = (name, mark)
    for item in value.items { taking(item, for: name, at: mark) }
    for member in value.members {
      taken[member.mark] = (name, mark)
      taking(member.value, for: name, at: mark)
    }
  }

  /// `FILE:LINE` for texts.
  func place(_ mark: Mark) -> String { "\(source(mark)?.name ?? ""):\(mark.line)" }

  /// The same, or only the line when it is of the file of `other`.
  func place(_ mark: Mark, from other: Mark) -> String {
    mark.source == other.source ? "line \(mark.line)" : place(mark)
  }

  private func related(to mark: Mark) -> [Diagnostic.Related] {
    var related: [Diagnostic.Related] = []
    if let base = overridden[mark] { related.append(place(base, "it replaces what stands here")) }
    if let origin = taken[mark] {
      related.append(place(origin.mark, "the service \"\(origin.service)\" takes it over here, with extends"))
    }
    return related
  }

  private func place(_ mark: Mark, _ message: String) -> Diagnostic.Related {
    Diagnostic.Related(
      file: source(mark)?.name ?? "", line: Int(mark.line), column: Int(mark.column), message: message)
  }

  /// Whether more errors would not be shown: finding them is not worth the time any more.
  var isFull: Bool { findings.count >= Self.maximum && errorCount > 0 }

  /// "Did you mean", for as many errors as somebody may read.
  func suggestion(
    for name: String, among candidates: some Sequence<String>, write: (String) -> String = { "\"\($0)\"" }
  ) -> String? {
    errorCount < Self.maximumSuggestions ? Similarity.suggestion(for: name, among: candidates, write: write) : nil
  }

  /// A key that has no effect: said once for each `kind`, at its first place, however often it occurs.
  func inert(kind: String, _ mark: Mark, _ path: String?, _ message: String, hint: String? = nil) {
    if let seen = inert[kind] {
      inert[kind] = (seen.index, seen.count + 1)
      return
    }
    inert[kind] = (findings.count, 1)
    findings.append(Finding(severity: .warning, mark: mark, path: path, message: message, hint: hint))
  }

  func add(_ finding: Finding) {
    // An alias brings the same mistake to several places; its text stands in one.
    guard findings.count < Self.maximum || (finding.severity == .error && errorCount == 0) else { return }
    let identity = Finding(
      severity: finding.severity, mark: finding.mark, path: nil, message: finding.message, hint: nil)
    guard known.insert(identity).inserted else { return }
    if finding.severity == .error { errorCount += 1 }
    findings.append(finding)
  }

  /// In the order of the files and of their lines.
  func diagnostics() -> [Diagnostic] {
    var findings = findings
    for (index, count) in inert.values where count > 1 {
      findings[index].message +=
        count == 2 ? " (here and in one more place)" : " (here and in \(count - 1) more places)"
    }
    // Sorting by position is stable for equal marks only by hand.
    return findings.enumerated().sorted { ($0.element.mark, $0.offset) < ($1.element.mark, $1.offset) }
      .map { diagnostic($0.element) }
  }

  private func diagnostic(_ finding: Finding) -> Diagnostic {
    let source = source(finding.mark)
    return Diagnostic(
      finding.severity, file: source?.name ?? "", line: Int(finding.mark.line), column: Int(finding.mark.column),
      path: finding.path, finding.message, hint: finding.hint,
      source: finding.mark.line > 0 ? source?.lineText(finding.mark.line) : nil, related: related(to: finding.mark))
  }
}
