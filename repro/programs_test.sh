#!/bin/bash
# Reproducers of tests of every suite compile without a warning and conform where their tests pass;
# under faults that their tests detect they deviate.
set -u
ipcsuite=cli/ipcsuite
dir=$TEST_TMPDIR
fail() { echo "FAILED: $*"; exit 1; }
command -v cc >/dev/null || { echo "no C compiler here"; exit 0; }

tests=(
  FifoOpen.NonblockingWriterFailsWithEnxioWithoutReader
  FifoDiscards.ReaderClosesLast
  MqSend.BlocksOnAFullQueueUntilThereIsRoom
  MqReceive.StoresThePriorityUnlessNull
  MqCancellationOfABlockedCall.OfMqSend
  Kinds/PipeReadBlocking.LastCloseReleasesEveryReader/pipe
  Kinds/PipeDup.Dup2ClosesTheTarget/pipe
  Kinds/PipeSignals.BlockedReadOfAThreadFailsWithEintr/fifo
  PollTable.PipeReaderOneByte
  PollWakes.PollOnPipeByRoom
  Kinds/SemWait.PostAddsOne/SharedProcesses
  Kinds/MutexLock.WaitsForTheUnlock/Errorcheck
  Kinds/MutexLock.TrylockFailsWhileAnotherHoldsIt/NormalShm
  ShmOpen.ExclFailsOnAnExistingName
)
"$ipcsuite" run --quiet --no-stress --repro-all --seed 1 --format json --out "$dir/run" \
  --filter "$(IFS=:; echo "${tests[*]}")" || fail "a test does not pass"
made=$(find "$dir/run/repro" -name '*.c' | wc -l)
# On a busy machine a few have run too freely to be written down.
[ "$made" -ge $((${#tests[@]} * 3 / 4)) ] || fail "$made programs of ${#tests[@]} tests"
repro/try.sh "$dir/run/repro" || fail "a program does not say what its test says"

[ -f faults/libipcfaults.so ] || { echo "no fault library in this build"; exit 0; }
"$ipcsuite" detect --repro --no-properties --out "$dir/out" \
  --fault mq_send_too_long_cut,shm_excl_ignored \
  >"$dir/log" 2>&1 || { cat "$dir/log"; fail "a fault is not detected"; }
grep -qE '^ +[0-9]+ agrees$' "$dir/log" || { cat "$dir/log"; fail "no program agrees with its test"; }
grep -E '^  (conforms under the fault|deviates without it|does not compile)' "$dir/log" &&
  { cat "$dir/log"; fail "a program does not say what its test says"; }

# What leads to this failure leaves objects of the test out, of which the program declares none.
"$ipcsuite" detect --repro --no-properties --out "$dir/cut" --fault spin_init_keeps_word \
  >"$dir/log" 2>&1 || { cat "$dir/log"; fail "a fault is not detected"; }
grep -q '^Reproducers of 1 detections' "$dir/log" || { cat "$dir/log"; fail "no program was made"; }
grep -E '^  +[0-9]+ (does not compile|no program)$' "$dir/log" &&
  { cat "$dir/log"; fail "the program of a failure that leaves objects out does not compile"; }
echo ok
