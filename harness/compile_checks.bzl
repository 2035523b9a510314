"""compile_checks: what the platform's headers let compile, as a table that a test can judge."""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "C_COMPILE_ACTION_NAME")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _compile_outcomes_impl(ctx):
    # A genrule's $(CC) would be this machine's compiler when another machine or libc is the target.
    toolchain = find_cpp_toolchain(ctx)
    compiler = cc_common.get_tool_for_action(
        feature_configuration = cc_common.configure_features(
            ctx = ctx,
            cc_toolchain = toolchain,
        ),
        action_name = C_COMPILE_ACTION_NAME,
    )
    ctx.actions.run_shell(
        inputs = depset(ctx.files.srcs, transitive = [toolchain.all_files]),
        tools = [ctx.executable._script],
        outputs = [ctx.outputs.out],
        command = "CC=\"$1\" script=$2 out=$3; shift 3; export CC; exec \"$script\" \"$@\" > \"$out\"",
        arguments = [compiler, ctx.executable._script.path, ctx.outputs.out.path] +
                    [src.path for src in ctx.files.srcs],
        progress_message = "Compiling header checks of %{label}",
        use_default_shell_env = True,
    )

_compile_outcomes = rule(
    implementation = _compile_outcomes_impl,
    attrs = {
        "out": attr.output(mandatory = True),
        "srcs": attr.label_list(allow_files = [".c"]),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
        "_script": attr.label(
            allow_single_file = True,
            cfg = "exec",
            default = "//harness:compile_checks.sh",
            executable = True,
        ),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

def compile_checks(name, srcs):
    """Compiles C snippets, each on its own, and writes the outcomes to the header NAME.h.

    A snippet's first line holds its compiler options, and "-link" if it shall also be linked:
        // options: -D_POSIX_C_SOURCE=200809L
    The header defines ipcsuite::compile_checks::kResults (see harness/compile_checks.h). A snippet
    that does not compile is an outcome, not a build failure.
    """
    _compile_outcomes(
        name = name + "_run",
        srcs = srcs,
        out = name + ".h",
    )
    native.cc_library(
        name = name,
        hdrs = [name + ".h"],
        deps = ["//harness:compile_checks"],
    )
