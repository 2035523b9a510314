#!/bin/sh
# Runs ipcsuite the way the kernel's selftests run: KTAP on standard output, and the exit status of
# kselftest (0 pass, 1 fail, 4 skip). For tools/testing/selftests/: list it in TEST_PROGS beside a
# program built with `./ipcsuite build` (copy it; it needs no other file).
#
#   IPCSUITE=./ipcsuite-bin ./kselftest.sh --suite mqueue
set -u
program=${IPCSUITE:-./ipcsuite}
out=$(mktemp -d) || exit 4
trap 'rm -rf "$out"' EXIT
if ! [ -x "$program" ]; then
  printf 'KTAP version 1\n1..0 # SKIP %s is absent: set IPCSUITE\n' "$program"
  exit 4
fi
"$program" run --out "$out" --format ktap "$@" > "$out/log" 2>&1
status=$?
if ! [ -s "$out/results.ktap" ]; then
  printf 'KTAP version 1\n1..0 # SKIP %s\n' "$(tail -n 1 "$out/log")"
  exit 4
fi
cat "$out/results.ktap"
[ "$status" -eq 0 ] || exit 1
