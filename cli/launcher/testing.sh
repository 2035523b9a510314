# shellcheck shell=bash
# A few lines to write tests of shell programs with; each case is a case in Bazel's test.xml.
#
#   expect NAME WANT GOT           the two texts are equal
#   expect_match NAME GLOB GOT     the text matches the pattern
#   finish                         writes test.xml and exits, 1 if a case failed
cases=() failures=0

xml() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g' <<<"$1"; }

record() { # NAME OK WANT GOT
  local name why
  name=$(xml "$1")
  if [ "$2" = 0 ]; then
    printf 'ok    %s\n' "$1"
    cases+=("<testcase classname=\"launcher\" name=\"$name\"/>")
  else
    printf 'FAIL  %s\n  want: %s\n  got:  %s\n' "$1" "$3" "$4"
    why=$(xml "want: $3; got: $4")
    cases+=("<testcase classname=\"launcher\" name=\"$name\"><failure message=\"$why\"/></testcase>")
    failures=$((failures + 1))
  fi
}

expect() {
  local ok=0
  [ "$2" = "$3" ] || ok=1
  record "$1" $ok "$2" "$3"
}

expect_match() {
  local ok=0
  # shellcheck disable=SC2053 # a pattern
  [[ $3 == $2 ]] || ok=1
  record "$1" $ok "$2" "$3"
}

finish() {
  {
    printf '<testsuite name="launcher" tests="%d" failures="%d">\n' ${#cases[@]} $failures
    printf '%s\n' "${cases[@]}" '</testsuite>'
  } >"${XML_OUTPUT_FILE:-/dev/null}"
  [ $failures = 0 ]
  exit
}
