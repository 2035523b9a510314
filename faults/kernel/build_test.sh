#!/bin/bash
# Each edit script is one that sed takes and that marks what it breaks; the check says in one line
# when an edit does not fit the source. The source itself is not here: a few lines stand for it.
set -u
here=$(dirname "$0")
fail() { echo "FAILED: $*"; exit 1; }

for row in "$here"/*.sed; do
  sed -n -f "$row" /dev/null || fail "$row is not a script for sed"
  grep -v '^#' "$row" | grep -q '\bFAULT\b' || fail "$row never asks whether it is chosen (FAULT)"
  [[ $(sed -n 's/^# changes: //p' "$row") =~ ^[1-9]$ ]] || fail "$row: changes is not a number"
  [ "$(awk 'length > 100' "$row" | wc -l)" = 0 ] || fail "$row has lines of over 100 characters"
done

source=$TEST_TMPDIR/linux
mkdir -p "$source/fs" "$source/ipc" "$source/mm"
touch "$source/fs/select.c" "$source/ipc/mqueue.c" "$source/mm/shmem.c"
echo 'int nothing_of_this_name;' >"$source/fs/pipe.c"
message=$("$here/build" --check "$source" 2>&1)
[ $? = 2 ] || fail "a source that fits no edit is not status 2"
[ "$(wc -l <<<"$message")" = 1 ] || fail "not one line: $message"
grep -q 'fifo_failed_writer_counts.sed: changes 0 lines of fs/pipe.c, not 1' <<<"$message" ||
  fail "the message does not say what does not fit: $message"

for arguments in "" "--help" "$source" "--check"; do
  # shellcheck disable=SC2086 # words
  "$here/build" $arguments >"$TEST_TMPDIR/log" 2>&1 && fail "'$arguments' is not a usage error"
done
"$here/build" "$source" "$TEST_TMPDIR/out" no_such_fault >"$TEST_TMPDIR/log" 2>&1 &&
  fail "an unknown fault is not an error"
grep -q '^build: no fault no_such_fault' "$TEST_TMPDIR/log" || fail "$(cat "$TEST_TMPDIR/log")"
echo ok
