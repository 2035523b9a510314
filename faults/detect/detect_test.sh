#!/bin/bash
# A sample of the detection matrix: faults of every family, a hang, a crash and the canary must be
# detected; variants must be observed and not misjudged; mistakes are one line and status 2.
set -u
ipcsuite=$(dirname "$0")/../../cli/ipcsuite
[ -x "$ipcsuite" ] || ipcsuite=cli/ipcsuite
out=$TEST_TMPDIR/out
fail() { echo "FAILED: $*"; cat "$TEST_TMPDIR/log"; exit 1; }

sample=canary,read_swaps_last_bytes,read_wakeup_lost,write_epipe_as_eio,mkfifo_makes_regular_file,fifo_open_read_does_not_wait,poll_no_pollin,shm_excl_ignored,ftruncate_grow_ignored,mmap_shared_is_private,mq_excl_ignored,mq_send_too_long_cut,mq_receive_lowest_first,notify_never_delivered
"$ipcsuite" detect --fault $sample --no-properties --jobs 2 --out "$out" >"$TEST_TMPDIR/log" 2>&1 || fail "the sample is not detected"
grep -q '"result": "detected"' "$out/detection.json" || fail "detection.json names no detected fault"
grep -q '"pipe.read.fifo_order": "proven"' "$out/detection.json" || fail "a clause of a detected fault is not proven"
[ -z "$(find "$out" -name '.detect-*')" ] || fail "files are left in $out"

"$ipcsuite" detect --fault mq_receive_lowest_first --no-suites --no-properties --stress 4 --verbose --out "$out" >"$TEST_TMPDIR/log" 2>&1 ||
  fail "stress detects no wrong order of priorities"
grep -q '"by": "stress"' "$out/detection.json" || fail "detection.json does not say that stress detected it"
"$ipcsuite" detect --no-suites --no-properties >"$TEST_TMPDIR/log" 2>&1
[ $? = 2 ] || fail "nothing to detect with is not status 2"

"$ipcsuite" detect --variants --fault pipe_without_links,select_keeps_timeval --out "$out" >"$TEST_TMPDIR/log" 2>&1 ||
  fail "a conforming variant is misjudged"
grep -q 'misjudges 0 of 2 variants' "$TEST_TMPDIR/log" || fail "the score of the variants is not printed"
grep -q '2 observed' "$TEST_TMPDIR/log" || fail "the variants are not observed"
"$ipcsuite" list --detection "$out/detection.json" >"$TEST_TMPDIR/log" 2>&1 || fail "list --detection"
grep -qE '^The suite sees [0-9]+ of [0-9]+ faults, misjudges 0 of 2 variants.$' "$TEST_TMPDIR/log" ||
  fail "detection.json does not keep the faults beside the variants"

# Queues and objects that a fault leaves are gone with the run: in private namespaces, all names show.
own=(unshare "$([ "$(id -u)" = 0 ] && echo -im || echo -rim)")
names='mount -t mqueue none /mnt && mount -t tmpfs none /dev/shm && "$@" && ls /mnt /dev/shm >&3'
if "${own[@]}" sh -c 'mount -t mqueue none /mnt && mount -t tmpfs none /dev/shm' 2>/dev/null; then
  "${own[@]}" sh -c "$names" sh "$ipcsuite" detect --fault mq_unlink_does_nothing,sem_unlink_nothing \
    --no-properties --out "$out" >"$TEST_TMPDIR/log" 2>&1 3>"$TEST_TMPDIR/names" ||
    fail "names that can't be unlinked are not detected"
  printf '/dev/shm:\n\n/mnt:\n' | cmp -s - "$TEST_TMPDIR/names" || fail "names are left: $(cat "$TEST_TMPDIR/names")"
fi

"$ipcsuite" detect --list >"$TEST_TMPDIR/log" 2>&1 || fail "--list"
[ "$(wc -l <"$TEST_TMPDIR/log")" -ge 200 ] || fail "--list names fewer than 200 faults"

"$ipcsuite" detect --fault no_such_fault >"$TEST_TMPDIR/log" 2>&1
[ $? = 2 ] || fail "an unknown fault is not status 2"
[ "$(wc -l <"$TEST_TMPDIR/log")" = 1 ] || fail "an unknown fault is not one line"
"$ipcsuite" detect --library /dev/null >"$TEST_TMPDIR/log" 2>&1
[ $? = 2 ] || fail "a bad library is not status 2"
"$ipcsuite" detect --out /proc/nowhere >"$TEST_TMPDIR/log" 2>&1
[ $? = 2 ] || fail "an unwritable place is not status 2"
IPCSUITE_FAULT=no_such_fault LD_PRELOAD=$(readlink -f "$(dirname "$ipcsuite")/../faults/libipcfaults.so") "$ipcsuite" list >"$TEST_TMPDIR/log" 2>&1
[ $? = 2 ] || fail "the library starts with an unknown fault"
echo ok
