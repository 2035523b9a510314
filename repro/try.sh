#!/bin/bash
# Compiles the reproducers of a folder, runs them, and counts how they end: a line for each that
# does not do what its test did, and one with the counts. `ipcsuite run --repro-all` writes such a
# folder, in which the programs of failed tests say that they deviated.
#
#   ./ipcsuite run --no-stress --repro-all --out DIR && repro/try.sh DIR/repro
#   repro/try.sh FOLDER [--every N] [--compiler CC] [--compile-only]
#
# Exit status 0 when all compile without a warning and none deviates whose test passed.
set -u
usage() { echo "usage: $0 FOLDER [--every N] [--compiler CC] [--compile-only]" >&2; exit 2; }
[ $# -ge 1 ] && [ -d "$1" ] || usage
folder=$(realpath "$1") every=1 compiler=cc run=1
shift
while [ $# -gt 0 ]; do
  case $1 in
    --every) every=${2:?} && shift 2 || usage ;;
    --compiler) compiler=${2:?} && shift 2 || usage ;;
    --compile-only) run=0 && shift ;;
    *) usage ;;
  esac
done

# Prints "how file: why" for one program.
try() {
  local source=$1 scratch status alone=()
  scratch=$(mktemp -d)
  if ! $compiler -std=c11 -Wall -Wextra -pedantic -Werror -o "$scratch/program" "$source" \
    -pthread -lrt >"$scratch/log" 2>&1; then
    echo "broken $(basename "$source"): $(grep -m1 'error:' "$scratch/log")"
  elif [ $run = 0 ]; then
    echo "compiles $(basename "$source")"
  else
    # Names of queues, semaphores and objects are the same in all of them.
    grep -q '"/\(tmp/\)\?repro' "$source" && alone=(flock "$folder")
    (cd "$scratch" && "${alone[@]}" timeout -s KILL 60 ./program) >"$scratch/log" 2>&1
    status=$?
    grep -q '1 deviates (as where this was recorded)' "$source" && status=failed-$status
    case $status in
      0) echo "conforms $(basename "$source")" ;;
      failed-1) echo "repeats $(basename "$source")" ;;
      failed-0) echo "misses $(basename "$source"): conforms, but its test failed" ;;
      *-77 | 77) echo "unclear $(basename "$source"): $(tail -n1 "$scratch/log")" ;;
      1) echo "deviates $(basename "$source"): $(tail -n1 "$scratch/log")" ;;
      *) echo "broken $(basename "$source"): exit status $status" ;;
    esac
  fi
  rm -rf "$scratch"
}
export -f try
export compiler run folder

results=$(find "$folder" -name '*.c' | sort | awk "NR % $every == 0" |
  xargs -d "\n" -P "$(nproc)" -I{} bash -c 'try "$1"' try {} 2>/dev/null)
grep -vE '^(conforms|compiles|repeats) ' <<<"$results" | sort
count() { grep -c "^$1 " <<<"$results"; }
echo "$(grep -c . <<<"$results") programs: $(count conforms) conform, $(count compiles) compile," \
  "$(count repeats) deviate as their tests failed, $(count misses) conform though they failed," \
  "$(count deviates) deviate, $(count unclear) cannot tell, $(count broken) broken;" \
  "lines: $(find "$folder" -name '*.c' -exec wc -l {} + | grep -v ' total$' | awk '{print $1}' |
    sort -n | awk '{n[NR] = $1} END {print n[int((NR + 1) / 2)] " (median), " n[NR] " (most)"}')"
[ "$(($(count deviates) + $(count broken)))" = 0 ]
