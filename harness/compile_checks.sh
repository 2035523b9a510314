#!/bin/sh
# Compiles each C snippet given and prints a C++ header with the outcomes (compile_checks.bzl).
set -u
export LC_ALL=C
object=$(mktemp) || exit 1
trap 'rm -f "$object"' EXIT
echo '#pragma once'
echo '#include "harness/compile_checks.h"'
echo 'namespace ipcsuite::compile_checks {'
# Not inline: each suite that has such checks has a table of this name.
echo 'constexpr Result kResults[] = {'
for file; do
  options=$(sed -n '1s,^// options:,,p' "$file")
  how=-c
  case " $options " in *" -link "*) how= options=$(echo "$options" | sed 's/ -link//') ;; esac
  # Options are words without blanks: splitting is meant.
  if message=$($CC -std=c17 -Werror=implicit-function-declaration -Werror=incompatible-pointer-types \
      -Werror=int-conversion $how $options -o "$object" -x c "$file" 2>&1); then ok=true message=; else ok=false; fi
  line=$(printf '%s\n' "$message" | grep -m1 -i 'error\|cannot\|undefined\|multiple' | sed 's/[\\"]/\\&/g' | tr -d '\r')
  echo "    {\"$(basename "$file" .c)\", $ok, \"$line\"},"
done
echo '};'
echo '}  // namespace ipcsuite::compile_checks'
