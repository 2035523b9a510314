"""Compiler options of the fault library."""

load("//:copts.bzl", "IPC_COPTS")

# Offsets and times are 64 bits wide whatever the libc's default, see preload/real.h.
FAULT_COPTS = IPC_COPTS + [
    "-O2",
    "-fPIC",
    "-fvisibility=hidden",
    # Names are cut on purpose.
    "-Wno-format-truncation",
    # The checked variants are replaced here too.
    "-U_FORTIFY_SOURCE",
    "-D_FILE_OFFSET_BITS=64",
    "-D_TIME_BITS=64",
]
