#!/bin/sh
# Makes a folder in the layout of the Linux Test Project, so that kirk, its executor, runs ipcsuite
# on every kind of machine that it can reach. Each suite is a test.
#
#   ./kirk.sh /opt/ipcsuite /usr/bin/ipcsuite
#   LTPROOT=/opt/ipcsuite kirk --run-suite ipcsuite            (kirk 2 and newer)
#   kirk --framework ltp:root=/opt/ipcsuite --run-suite ipcsuite   (kirk 1)
set -eu
[ $# -eq 2 ] || { echo "usage: kirk.sh FOLDER PROGRAM" >&2; exit 2; }
root=$1 program=$2
mkdir -p "$root/runtest" "$root/metadata" "$root/testcases/bin"
echo '{"tests": {}}' > "$root/metadata/ltp.json"
cat > "$root/testcases/bin/ipcsuite-ltp" <<EOF
#!/bin/sh
# ipcsuite-ltp SUITE: what kirk reads of a test: the counts, and 0, 1, 2 (broken) or 32 (skipped).
out=\$(mktemp -d) || exit 2
trap 'rm -rf "\$out"' EXIT
"$program" run --suite "\$1" --no-stress --out "\$out" --format lava,text > "\$out/log" 2>&1
[ -s "\$out/lava-signals.txt" ] || { cat "\$out/log"; exit 2; }
cat "\$out/summary.txt"
count() { grep -c " RESULT=\$1>" "\$out/lava-signals.txt"; }
printf '\nSummary:\npassed   %d\nfailed   %d\nbroken   %d\nskipped  %d\nwarnings 0\n' \\
  "\$(count pass)" "\$(count fail)" "\$(count unknown)" "\$(count skip)"
[ "\$(count fail)" -eq 0 ] || exit 1
[ "\$(count unknown)" -eq 0 ] || exit 2
[ "\$(count pass)" -gt 0 ] || exit 32
EOF
chmod +x "$root/testcases/bin/ipcsuite-ltp"
for suite in pipe fifo poll shm mqueue sem pshared props; do
  echo "ipcsuite-$suite ipcsuite-ltp $suite"
done > "$root/runtest/ipcsuite"
