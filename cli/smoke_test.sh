#!/bin/bash
# The list of the smoke profile: every name is a test's, there are not too many of them, and they are
# what `run --profile smoke` runs.
set -u
here=$(dirname "$0")
ipcsuite=$here/ipcsuite
list=$here/../faults/detect/smoke.txt
[ -x "$ipcsuite" ] || ipcsuite=cli/ipcsuite list=faults/detect/smoke.txt
fail() { echo "FAILED: $*"; exit 1; }

"$ipcsuite" run --profile smoke --list | LC_ALL=C sort >"$TEST_TMPDIR/selected" || fail "--profile smoke --list"
LC_ALL=C sort -c "$list" || fail "smoke.txt is not sorted"
diff "$list" "$TEST_TMPDIR/selected" || fail "smoke.txt names what is not a test: make it again (faults/detect/make_smoke)"
[ "$(wc -l <"$list")" -le 200 ] || fail "more than 200 tests"
echo ok
