"""fuzz_target: one reader of foreign bytes, fuzzed by clang and replayed by every compiler."""

load("//:copts.bzl", "IPC_COPTS")
load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

def fuzz_target(name, deps):
    """Declares NAME_replay_test (the corpus, in //...) and NAME_fuzz (libFuzzer, see tools/fuzz/run).

    NAME_fuzz.cc defines LLVMFuzzerTestOneInput(); corpus/NAME holds inputs, findings among them.
    """
    cc_library(
        name = name,
        srcs = [name + "_fuzz.cc"],
        copts = IPC_COPTS,
        alwayslink = True,
        deps = deps,
    )
    cc_test(
        name = name + "_replay_test",
        size = "small",
        srcs = ["replay.cc"],
        args = ["tools/fuzz/corpus/" + name],
        copts = IPC_COPTS,
        data = native.glob(["corpus/" + name + "/*"]),
        deps = [":" + name],
    )
    cc_binary(
        name = name + "_fuzz",
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = [":" + name],
    )
