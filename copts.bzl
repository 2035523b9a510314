"""Compiler options of this project's own code."""

# Warnings are errors in our code; third-party code is compiled with its own options.
# -O1 unless a mode says otherwise: GoogleTest and rapidcheck code is much smaller and starts
# faster than at -O0, and compiles faster than at -O2.
IPC_COPTS = [
    "-std=c++20",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wnon-virtual-dtor",
    "-Wshadow",
] + select({
    "//:small": ["-Os"],
    "//:small_opt": ["-Os"],
    "//:mode_opt": ["-O2"],
    "//:mode_dbg": ["-O0"],
    "//conditions:default": ["-O1"],
})

# Loops that are measured: optimized in every mode but debug.
STRESS_COPTS = IPC_COPTS + select({
    "//:mode_dbg": [],
    "//conditions:default": ["-O2"],
})
