/// Interpolation cases of compose-go (github.com/compose-spec/compose-go, template/template_test.go at e70e961c, licence
/// Apache-2.0), as data: the template with FOO=first, BAR= and JSON={"json":2} gives `text`, or an error that contains it.
struct InterpolationVector: Sendable {
  var template: String
  var text: String
  var isError = false
}

let interpolationVectors: [InterpolationVector] = [
  InterpolationVector(template: "^REGEX$", text: "^REGEX$"),
  InterpolationVector(template: "$}", text: "$}"),
  InterpolationVector(template: "${}", text: "", isError: true),
  InterpolationVector(template: "${ }", text: "", isError: true),
  InterpolationVector(template: "${foo }", text: "", isError: true),
  InterpolationVector(template: "This ${missing} var", text: "This  var"),
  InterpolationVector(template: "This $FOO var", text: "This first var"),
  InterpolationVector(template: "ok ${missing-def}", text: "ok def"),
  InterpolationVector(template: "${A:-${B}}", text: ""),
  InterpolationVector(template: "ok ${BAR:-def}", text: "ok def"),
  InterpolationVector(template: "ok ${BAR-def}", text: "ok "),
  InterpolationVector(template: "ok ${UNSET_VAR:+presence_value}", text: "ok "),
  InterpolationVector(template: "ok ${UNSET_VAR+presence_value}", text: "ok "),
  InterpolationVector(template: "ok ${FOO:+presence_value}", text: "ok presence_value"),
  InterpolationVector(template: "ok ${BAR:+presence_value}", text: "ok "),
  InterpolationVector(template: "ok ${BAR:-/non:-alphanumeric}", text: "ok /non:-alphanumeric"),
  InterpolationVector(template: "-ok ${BAR:-defaultValue}", text: "-ok defaultValue"),
  InterpolationVector(template: "+ok ${UNSET:-${BAR-defaultValue}}", text: "+ok "),
  InterpolationVector(template: "-ok ${FOO:-defaultValue}", text: "-ok first"),
  InterpolationVector(template: ":-ok ${UNSET-defaultValue}", text: ":-ok defaultValue"),
  InterpolationVector(template: ":?ok ${BAR-defaultValue}", text: ":?ok "),
  InterpolationVector(template: ":?ok ${BAR:-defaultValue}", text: ":?ok defaultValue"),
  InterpolationVector(template: ":+ok ${BAR:-defaultValue}", text: ":+ok defaultValue"),
  InterpolationVector(template: "?ok ${BAR:-defaultValue}", text: "?ok defaultValue"),
  InterpolationVector(template: "ok ${UNSET_VAR-$FOO}", text: "ok first"),
  InterpolationVector(template: "ok ${UNSET_VAR-${FOO}}", text: "ok first"),
  InterpolationVector(template: "ok ${BAR:-${FOO}}", text: "ok first"),
  InterpolationVector(template: "ok ${BAR+$FOO ${FOO:+second}}", text: "ok first second"),
  InterpolationVector(
    template: "not ok ${UNSET_VAR:?Mandatory Variable Unset}",
    text: "required variable UNSET_VAR is missing a value: Mandatory Variable Unset", isError: true),
  InterpolationVector(
    template: "not ok ${BAR:?Mandatory Variable Empty}",
    text: "required variable BAR is missing a value: Mandatory Variable Empty", isError: true),
  InterpolationVector(
    template: "not ok ${UNSET_VAR?}", text: "required variable UNSET_VAR is missing a value", isError: true),
  InterpolationVector(
    template: "not ok ${UNSET_VAR:?Mandatory Variable ${FOO}}",
    text: "required variable UNSET_VAR is missing a value: Mandatory Variable first", isError: true),
  InterpolationVector(template: "ok ${FOO?err}", text: "ok first"),
  InterpolationVector(
    template: "${UNSET_VAR?bar-baz}", text: "required variable UNSET_VAR is missing a value: bar-baz", isError: true),
  InterpolationVector(template: "${FOO?bar-baz}", text: "first"),
  InterpolationVector(template: "${BAR:-default_value_for_empty_var}", text: "default_value_for_empty_var"),
]
