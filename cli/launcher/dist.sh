# shellcheck shell=bash
# Tarballs for machines of every architecture; part of the launcher, which sources it:
#
#   ./ipcsuite dist --all [DIR]
#
# For each machine whose cross compiler is installed: the static program, stripped; README, LICENSE
# and NOTICE; what it contains, as an SBOM (SPDX 2.3, JSON). DIR/SHA256SUMS has the checksums of all.

# machine:configuration of Bazel:triple of the tools, the suffix of the Debian package g++-...
dist_machines='
x86_64::x86_64-linux-gnu
i386:i386:i686-linux-gnu
aarch64:arm64:aarch64-linux-gnu
riscv64:riscv64:riscv64-linux-gnu
s390x:s390x:s390x-linux-gnu
'

# What the programs contain: name:Debian package that has the version:licence (SPDX).
dist_parts='
GoogleTest:googletest:BSD-3-Clause
rapidcheck:librapidcheck-dev:BSD-2-Clause
fmt:libfmt-dev:MIT
nlohmann-json:nlohmann-json3-dev:MIT
CLI11:libcli11-dev:BSD-3-Clause
libstdc++:libstdc++-12-dev:GPL-3.0-only WITH GCC-exception-3.1
glibc:libc6-dev:LGPL-2.1-or-later
'
dist_bytes_max=$((12 << 20)) # of a tarball

# One package of the SBOM: spdx_package ID NAME VERSION LICENCE [SHA256]
spdx_package() {
  printf '    {"SPDXID": "SPDXRef-%s", "name": "%s", "versionInfo": "%s",\n' "$1" "$2" "$3"
  [ -z "${5-}" ] || printf '     "checksums": [{"algorithm": "SHA256", "checksumValue": "%s"}],\n' "$5"
  printf '     "downloadLocation": "NOASSERTION", "filesAnalyzed": false, "copyrightText": "NOASSERTION",\n'
  printf '     "licenseConcluded": "%s", "licenseDeclared": "%s"}' "$4" "$4"
}

# spdx MACHINE PROGRAM: the SBOM of a stripped program, on standard output.
spdx() {
  local sum name package licence version number=0
  sum=$(sha256sum "$2") sum=${sum%% *}
  printf '{\n  "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",\n'
  printf '  "name": "ipcsuite-%s",\n' "$1"
  printf '  "documentNamespace": "https://spdx.org/spdxdocs/ipcsuite-%s-%s",\n' "$1" "$sum"
  printf '  "creationInfo": {"created": "%s", "creators": ["Tool: ipcsuite dist"]},\n' \
    "$(date -u ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"} +%Y-%m-%dT%H:%M:%SZ)"
  printf '  "packages": [\n'
  spdx_package ipcsuite ipcsuite "$dist_version" Apache-2.0 "$sum"
  while IFS=: read -r name package licence; do
    [ -n "$name" ] || continue
    version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null) || version=unknown
    number=$((number + 1))
    printf ',\n'
    spdx_package "part-$number" "$name" "$version" "$licence"
  done <<<"$dist_parts"
  printf '\n  ],\n  "relationships": [\n'
  printf '    {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-ipcsuite"}'
  while [ $number -gt 0 ]; do
    printf ',\n    {"spdxElementId": "SPDXRef-ipcsuite", "relationshipType": "STATIC_LINK", "relatedSpdxElement": "SPDXRef-part-%d"}' $number
    number=$((number - 1))
  done
  printf '\n  ]\n}\n'
}

# dist_machine MACHINE CONFIGURATION TRIPLE DIR: makes DIR/ipcsuite-MACHINE.tar.gz.
dist_machine() {
  local name=ipcsuite-$1 work size options=(--config=small)
  [ -z "$2" ] || options+=("--config=$2")
  [ -z "${IPCSUITE_RAPIDCHECK-}" ] || options+=(--define=rapidcheck=source)
  cd_root
  # shellcheck disable=SC2086 # flags are words
  "$bazel" build --show_result=0 --noshow_progress $flags "${options[@]}" //:ipcsuite_portable >&2 || {
    cd "$caller" || die "the current folder is gone"
    return 1
  }
  cd "$caller" || die "the current folder is gone"
  work=$(mktemp -d) && mkdir "$work/$name" || die "cannot create temporary files in ${TMPDIR:-/tmp}"
  "$3-strip" -o "$work/$name/ipcsuite" "$root/bazel-bin/ipcsuite_portable" &&
    chmod 755 "$work/$name/ipcsuite" &&
    cp "$root/LICENSE" "$root/third_party/NOTICE" "$work/$name/" &&
    cp "$root/cli/launcher/dist-README" "$work/$name/README" &&
    spdx "$1" "$work/$name/ipcsuite" >"$work/$name/ipcsuite.spdx.json" &&
    tar -C "$work" -czf "$work/dist.tar.gz" "$name" &&
    mv "$work/dist.tar.gz" "$4/$name.tar.gz" || { rm -rf "$work"; die "could not write $4/$name.tar.gz"; }
  rm -rf "$work"
  size=$(stat -c %s "$4/$name.tar.gz")
  [ "$size" -le $dist_bytes_max ] || say "$name.tar.gz has $size bytes, more than $dist_bytes_max"
  printf '%s\n' "$4/$name.tar.gz"
}

make_all_dists() {
  local dir=${1:-ipcsuite-dist} machine configuration triple status=0
  [ $# -le 1 ] || die "usage: ./ipcsuite dist --all [DIR]"
  mkdir -p "$dir" || die "cannot create $dir"
  dir=$(cd "$dir" && pwd) || die "cannot enter $dir"
  build_program
  [ -n "${IPCSUITE_RAPIDCHECK-}" ] ||
    say "other machines get no properties: IPCSUITE_RAPIDCHECK names no sources (apt-get source rapidcheck)"
  dist_version=$("$binary" --version) dist_version=${dist_version#ipcsuite } dist_version=${dist_version%%,*}
  while IFS=: read -r machine configuration triple; do
    [ -n "$machine" ] || continue
    if ! command -v "$triple-g++" >/dev/null; then
      say "left out: $machine: no $triple-g++: apt-get install g++-$triple"
      continue
    fi
    # Its output takes the program's place in bazel-bin.
    rm -f "$stamp"
    dist_machine "$machine" "$configuration" "$triple" "$dir" || {
      say "left out: $machine: the build failed (the reason is above)"
      status=2
    }
  done <<<"$dist_machines"
  (cd "$dir" && sha256sum ipcsuite-*.tar.gz >SHA256SUMS) || die "no tarball was made in $dir"
  printf '%s\n' "$dir/SHA256SUMS"
  return $status
}
