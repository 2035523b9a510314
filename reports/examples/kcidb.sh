#!/bin/sh
# Sends a run to KernelCI's database: `ipcsuite report` makes the JSON, and the checkout and the
# build that the lab knows replace those that the file makes up. Needs kcidb-submit of the Python
# package kcidb and its credentials.
#
#   ./kcidb.sh ORIGIN BUILD_ID RESULTS.json | kcidb-submit -p kernelci-production -t playground
set -eu
[ $# -eq 3 ] || { echo "usage: kcidb.sh ORIGIN BUILD_ID RESULTS.json" >&2; exit 2; }
"${IPCSUITE:-./ipcsuite}" report "$3" --format kcidb |
  ORIGIN=$1 BUILD=$2 python3 -c '
import json, os, sys
origin, build = os.environ["ORIGIN"], os.environ["BUILD"]
report = json.load(sys.stdin)
del report["checkouts"], report["builds"]  # the lab has sent them
for kind in ("tests", "issues", "incidents"):
    for one in report[kind]:
        one["origin"] = origin
        for key in ("id", "test_id", "issue_id"):
            if key in one:
                one[key] = origin + ":" + one[key].split(":", 1)[1]
for test in report["tests"]:
    test["build_id"] = build
json.dump(report, sys.stdout)'
