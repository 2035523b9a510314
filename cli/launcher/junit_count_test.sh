#!/bin/bash
# The sum of test.xml files, on files as GoogleTest and Bazel write them, and on bad ones.
here=$(dirname "$0")
. "$here/testing.sh"
dir=${TEST_TMPDIR:-$(mktemp -d)}
n=0

# count WANT NAME TEXT...: each text is a file.
count() {
  local want=$1 name=$2 files=() text
  shift 2
  for text in "$@"; do
    n=$((n + 1))
    printf '%s' "$text" >"$dir/$n.xml"
    files+=("$dir/$n.xml")
  done
  expect "$name" "$want" "$(awk -f "$here/junit_count.awk" "${files[@]}" </dev/null)"
}

head='<?xml version="1.0" encoding="UTF-8"?>'
passed='<testcase name="A" status="run" result="completed" time="0" classname="S" />'
failed='<testcase name="B" status="run" result="completed"><failure message="x" type=""><![CDATA[x]]></failure><failure message="y" type=""/></testcase>'
skipped='<testcase name="C" status="run" result="skipped"><skipped message="no"><![CDATA[no]]></skipped></testcase>'
disabled='<testcase name="DISABLED_D" status="notrun" result="suppressed" time="0" />'
properties='<testcase name="E" status="run"><properties><property name="clause" value="a &gt; b"/></properties></testcase>'

count '0 passed, 0 failed, 0 skipped' 'no file'
count '0 passed, 0 failed, 0 skipped' 'empty file' ''
count '1 passed, 0 failed, 0 skipped' 'passed case' "$head<testsuites><testsuite>$passed</testsuite></testsuites>"
count '0 passed, 1 failed, 0 skipped' 'two failures of one case are one' "$head<testsuite>$failed</testsuite>"
count '0 passed, 0 failed, 2 skipped' 'skipped and disabled' "<testsuite>$skipped$disabled</testsuite>"
count '1 passed, 0 failed, 0 skipped' 'properties are no verdict' "<testsuite>$properties</testsuite>"
count '3 passed, 2 failed, 2 skipped' 'files add up' \
  "<testsuite>$passed$failed</testsuite>" "<testsuite>$properties$skipped</testsuite>" \
  "<testsuite>$disabled$passed$failed</testsuite>"
count '0 passed, 1 failed, 0 skipped' "Bazel's stub of a crashed test" \
  '<testsuites><testsuite name="t" tests="1" failures="0" errors="1"><testcase name="t" status="run" duration="0" time="0"><error message="exited with error code 139"></error></testcase><system-out>log:<![CDATA[<testcase name="fake"/>]]></system-out></testsuite></testsuites>'
count '1 passed, 0 failed, 0 skipped' 'tags in CDATA and comments are text' \
  "<testsuite><testcase name=\"A\"><system-out><![CDATA[<testcase name=\"x\"/>
<failure/> </testcase> ]]></system-out></testcase><!-- $failed --></testsuite>"
count '1 passed, 0 failed, 0 skipped' 'CDATA that holds its own end' \
  '<testsuite><testcase name="A"><system-out><![CDATA[ ]]>]]&gt;<![CDATA[ <failure/> ]]></system-out></testcase></testsuite>'
count '1 passed, 0 failed, 0 skipped' 'a value that looks like the end of a tag' \
  '<testsuite><testcase name="a/>b" note="status=notrun"></testcase></testsuite>'
count '1 passed, 0 failed, 0 skipped' 'attributes on several lines' \
  '<testsuite><testcase
   name="A"
/></testsuite>'
count '1 passed, 1 failed, 0 skipped' 'a file that was cut off fails its open case' \
  '<testsuite><testcase name="A"><system-out>' "<testsuite>$passed</testsuite>"
count '0 passed, 1 failed, 0 skipped' 'a case that was never closed' '<testsuite><testcase name="A">'
finish
