"""compile_checks: what the platform's headers let compile, as a table that a test can judge."""

def compile_checks(name, srcs):
    """Compiles C snippets, each on its own, and writes the outcomes to the header NAME.h.

    A snippet's first line holds its compiler options, and "-link" if it shall also be linked:
        // options: -D_POSIX_C_SOURCE=200809L
    The header defines ipcsuite::compile_checks::kResults (see harness/compile_checks.h). A snippet
    that does not compile is an outcome, not a build failure.
    """
    native.genrule(
        name = name + "_run",
        srcs = srcs,
        outs = [name + ".h"],
        cmd = "CC='$(CC)' $(location //harness:compile_checks.sh) $(SRCS) > $@",
        message = "Compiling header checks of " + name,
        toolchains = ["@bazel_tools//tools/cpp:current_cc_toolchain"],
        tools = ["//harness:compile_checks.sh"],
    )
    native.cc_library(
        name = name,
        hdrs = [name + ".h"],
        deps = ["//harness:compile_checks"],
    )
