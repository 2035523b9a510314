#!/bin/sh
# Bazel's --workspace_status_command: the commit of the build, for the environment card.
commit=$(git rev-parse --short=12 HEAD 2>/dev/null) || exit 0
[ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || commit="$commit-modified"
echo "STABLE_COMMIT $commit"
