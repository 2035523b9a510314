#!/bin/bash
# The launcher with stand-ins for Bazel, apt-get and sudo, in a project of its own.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/testing.sh"
tmp=${TEST_TMPDIR:-$(mktemp -d)}
project="$tmp/a project" tools=$tmp/tools fake=$tmp/fake sysroot=$tmp/sysroot log=$tmp/calls

mkdir -p "$project/cli/launcher" "$project/spec" "$tools" "$fake" "$sysroot/var/lib/dpkg" "$tmp/elsewhere"
cp "$here/../../ipcsuite" "$project/ipcsuite"
cp "$here/junit_count.awk" "$project/cli/launcher/"
echo one >"$project/spec/a.yaml"

# Only what the launcher may use: a machine without apt-get, sudo and Bazel.
for tool in awk bash cat chmod cp cut dirname env find grep mkdir mktemp mv readlink rm sed sha256sum \
  sort stat tail touch tr; do
  ln -s "$(command -v $tool)" "$tools/$tool"
done

cat >"$fake/bazel" <<'END'
#!/bin/bash
case $1 in
  --version) echo "bazel ${FAKE_VERSION:-no_version}"; exit ;;
esac
echo "bazel $1 in $PWD: ${*: -1}" >>"$FAKE_LOG"
echo "output of bazel"
if [ "$1" = build ] && [ "${FAKE_STATUS:-0}" = 0 ]; then
  mkdir -p bazel-bin/cli
  rm -f bazel-bin/cli/ipcsuite
  printf '#!/bin/bash\necho "program in $PWD:" "$@"\nexit 7\n' >bazel-bin/cli/ipcsuite
  chmod +x bazel-bin/cli/ipcsuite
fi
for arg; do
  case $arg in --build_event_json_file=*) cp "$FAKE_EVENTS" "${arg#*=}" ;; esac
done
exit "${FAKE_STATUS:-0}"
END
cat >"$fake/apt-get" <<'END'
#!/bin/bash
echo "apt-get $*" >>"$FAKE_LOG"
case " $* " in *" update "*) exit 0 ;; esac
[ -z "${FAKE_APT_FAILS-}" ] || { echo "E: Unable to locate package"; exit 100; }
cp "$FAKE_BAZEL" "$FAKE_TOOLS/bazel"
END
printf '#!/bin/bash\necho sudo >>"$FAKE_LOG"\nexec "$@"\n' >"$fake/sudo"
chmod +x "$fake"/*
export FAKE_LOG=$log FAKE_BAZEL=$fake/bazel FAKE_TOOLS=$tools FAKE_EVENTS=$tmp/events
export PATH=$tools IPCSUITE_SYSROOT=$sysroot
unset IPCSUITE_BAZEL IPCSUITE_BAZEL_FLAGS IPCSUITE_NO_INSTALL CC CXX

# launch ARG...: sets out, err, status and calls.
launch() {
  : >"$log"
  out=$(cd "$tmp/elsewhere" && "$project/ipcsuite" "$@" 2>"$tmp/err")
  status=$?
  err=$(<"$tmp/err") calls=$(<"$log")
}

launch
expect 'no command prints help' 0 $status
expect_match 'help names the commands' '*usage: ./ipcsuite*run*test*build*' "$out"
expect 'help installs and builds nothing' '' "$calls"

launch run
expect 'without apt-get: status 2' 2 $status
expect_match 'without apt-get: says what to install' \
  'ipcsuite: missing: g++ bazel-bootstrap *. There is no apt-get here: install g++ 12 or later and Bazel 7*' "$err"

cp "$fake/apt-get" "$tools/"
IPCSUITE_NO_INSTALL=1 launch run
expect 'told not to install: status 2' 2 $status
expect_match 'installation forbidden: one line' 'ipcsuite: missing packages: run: apt-get install g++ *' "$err"

FAKE_APT_FAILS=1 launch run
expect 'packages that are not available: status 2' 2 $status
expect_match 'packages that are not available: the output and a line' \
  '*E: Unable to locate package*apt-get could not install: g++ *' "$err"
expect_match 'the lists are fetched before giving up' \
  '*install -y*update*install -y*' "${calls//$'\n'/ }"

launch run --suite pipe 'two words'
expect_match 'says what it installs and why' \
  '*installing Debian packages*bazel-bootstrap *the build tool*' "$err"
expect_match 'builds in the project' "*bazel build in $project: //cli:ipcsuite" "$calls"
expect 'runs the program where the caller is' \
  "program in $tmp/elsewhere: run --suite pipe two words" "$out"
expect "the program's status is the launcher's" 7 $status

# From here on everything is installed.
while IFS=: read -r _ file _; do
  [ -n "$file" ] && mkdir -p "$(dirname "$sysroot$file")" && : >"$sysroot$file"
done < <(sed -n "/^packages='/,/^'/p" "$project/ipcsuite" | grep :)

launch list
expect 'nothing changed: Bazel is not asked' '' "$calls"
expect 'any command goes to the program' "program in $tmp/elsewhere: list" "$out"

changed() { # NAME: what was just done to the project must make the launcher build once
  launch build
  expect "$1: builds" "bazel build in $project: //cli:ipcsuite" "$calls"
  launch build
  expect "$1: builds once" '' "$calls"
}
echo two >"$project/spec/a.yaml"; changed 'a file changed'
echo new >"$project/spec/b.yaml"; changed 'a file added'
mv "$project/spec/b.yaml" "$project/spec/c.yaml"; changed 'a file renamed'
rm "$project/spec/c.yaml"; changed 'a file deleted'
rm "$project/bazel-bin/cli/ipcsuite"; changed 'the program deleted'
echo '#' >>"$project/bazel-bin/cli/ipcsuite"; changed 'the program replaced'
export IPCSUITE_BAZEL_FLAGS=--config=opt; changed 'other options'
unset IPCSUITE_BAZEL_FLAGS; changed 'default options again'

mkdir -p "$project/ipcsuite-out" "$project/.git"
: >"$project/ipcsuite-out/report"; : >"$project/.git/index"
launch build
expect 'reports and .git are no sources' '' "$calls"
expect 'build prints the path alone' "$project/bazel-bin/cli/ipcsuite" "$out"
expect 'build is silent' '' "$err"
launch build --config=opt
expect 'build refuses arguments' 2 $status

echo three >"$project/spec/a.yaml"
FAKE_STATUS=1 launch run
expect 'failed build: status 2' 2 $status
expect_match 'failed build: output and a line' '*output of bazel*ipcsuite: the build failed*' "$err"
expect 'failed build: nothing runs' '' "$out"

FAKE_VERSION=6.4.0 launch run
expect_match 'a Bazel that is too old is named' '*bazel 6.4.0; Bazel 7 or later*' "$err"
expect 'a Bazel that is too old: status 2' 2 $status

rm -r "$sysroot/usr/include/CLI"
rm "$project/bazel-bin/cli/ipcsuite.built-from"
FAKE_VERSION=7.4.1 launch build
expect 'Bazel 7 needs no Debian libraries' "0 bazel build in $project: //cli:ipcsuite" "$status $calls"
mkdir "$sysroot/usr/include/CLI"; : >"$sysroot/usr/include/CLI/CLI.hpp"

# ---- test ----------------------------------------------------------------------------------------
results=$tmp/results
mkdir -p "$results/a/test_attempts" "$results/b c" "$results/old"
echo '<testsuite><testcase name="x"/><testcase name="y"/></testsuite>' >"$results/a/test.xml"
echo '<testsuite><testcase name="x"><failure/></testcase></testsuite>' >"$results/a/test_attempts/test.xml"
echo '<testsuite><testcase name="z" status="notrun"/></testsuite>' >"$results/b c/test.xml"
echo '<testsuite><testcase name="old"/></testsuite>' >"$results/old/test.xml"
event() {
  printf '{"id":{"testResult":{"label":"//x:y"}},"testResult":{"testActionOutput":[{"name":"test.log","uri":"file://%s/test.log"},{"name":"test.xml","uri":"file://%s/test.xml"}]}}\n' "$1" "$1"
}
{ event "$results/a/test_attempts"; event "$results/a"; event "${results// /%20}/b%20c"; } >"$tmp/events"

launch test --config=asan
expect 'tests pass: status 0' 0 $status
expect 'counts this run alone, in the last line' '2 passed, 0 failed, 1 skipped' "${out##*$'\n'}"
expect 'all tests unless told' "bazel test in $project: //..." "$calls"
launch test //spec:gen_test
expect 'one target if told' "bazel test in $project: //spec:gen_test" "$calls"

echo '<testsuite><testcase name="x"><failure/></testcase></testsuite>' >"$results/a/test.xml"
FAKE_STATUS=3 launch test
expect 'tests fail: status 1' 1 $status
expect 'tests fail: counts' '0 passed, 1 failed, 1 skipped' "${out##*$'\n'}"
: >"$tmp/events"
FAKE_STATUS=1 launch test
expect 'broken build: status 2' 2 $status
expect 'broken build: counted as a failure' '0 passed, 1 failed, 0 skipped' "${out##*$'\n'}"

finish
