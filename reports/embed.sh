#!/bin/sh
# Writes C++ that holds files: embed.sh FUNCTION FILE... (see embedded.h).
set -eu
function=$1
shift
echo '#include "reports/verdicts/embedded.h"'
echo 'namespace ipcsuite::report {'
echo "const std::vector<EmbeddedFile>& $function() {"
echo '  static const std::vector<EmbeddedFile> files = {'
for file in "$@"; do
  if grep -q ')IPCEND"' "$file"; then
    echo "embed.sh: $file holds the end mark of a raw string" >&2
    exit 1
  fi
  printf '{"%s", R"IPCEND(' "$(basename "$file")"
  cat "$file"
  printf ')IPCEND"},\n'
done
echo '  };'
echo '  return files;'
echo '}'
echo '}  // namespace ipcsuite::report'
