#!/bin/sh
# tmt's custom results: a list of names and results in $TMT_TEST_DATA/results.yaml. What was not
# judged or is known is "info", what could not be decided is "error".
set -u
program=${IPCSUITE:-./ipcsuite}
data=${TMT_TEST_DATA:?is set by tmt}
"$program" run --no-stress --out "$data" --format json,html,lava "$@" > "$data/output.txt" 2>&1
status=$?
[ -s "$data/lava-signals.txt" ] || { cat "$data/output.txt" >&2; exit 2; }
{
  [ "$status" -eq 0 ] && overall=pass || overall=fail
  printf -- '- name: /\n  result: %s\n  log: [output.txt, report.html]\n' "$overall"
  awk '
    / START / { sub(/>$/, "", $3); set = $3 }
    /^<LAVA_SIGNAL_TESTCASE/ {
      sub(/^TEST_CASE_ID=/, "", $2); sub(/^RESULT=/, "", $3); sub(/>$/, "", $3)
      result = $3 == "skip" ? "info" : $3 == "unknown" ? "error" : $3
      printf "- name: /%s/%s\n  result: %s\n", set, $2, result
    }' "$data/lava-signals.txt"
} > "$data/results.yaml"
exit "$status"
