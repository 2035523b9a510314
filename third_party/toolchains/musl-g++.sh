#!/bin/sh
# The compiler of the musl toolchain: a g++ whose C library is musl.
exec "${IPCSUITE_MUSL_GXX:-musl-g++}" "$@"
