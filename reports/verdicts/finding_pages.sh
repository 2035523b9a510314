#!/bin/sh
# finding_pages.sh INDEX: the rows of docs/findings/README.md ("| [title](page) | affected | `id`,
# `id` |") as a table in C++.
set -eu
cat <<'END'
#include "reports/verdicts/finding_pages.h"

namespace ipcsuite::report {
namespace {

struct Row {
  std::string_view expectation, page;
};
constexpr Row kRows[] = {
END
awk -F'|' '/^\| \[/ {
  match($2, /\]\([^)]*\)/)
  page = substr($2, RSTART + 2, RLENGTH - 3)
  count = split($4, parts, "`")
  for (i = 2; i <= count; i += 2) printf "    {\"%s\", \"docs/findings/%s\"},\n", parts[i], page
}' "$1"
cat <<'END'
};

}  // namespace

std::string_view FindingPage(std::string_view expectation) {
  for (const Row& row : kRows) {
    if (row.expectation == expectation) return row.page;
  }
  return "";
}

}  // namespace ipcsuite::report
END
