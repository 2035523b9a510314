"""ipc_suite: a folder of tests of the host, and the target that runs them."""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")
load("//:copts.bzl", "IPC_COPTS")

def ipc_suite(name, srcs, hdrs = [], deps = [], test_deps = [], size = "medium", shard_count = 1):
    """Declares the library `name` (linked into //cli:ipcsuite) and the test `name`_test.

    The test judges this host as `ipcsuite run` does: deviations that the expectations name are
    green. It must run outside of Bazel's sandbox, or it would judge the sandbox.
    """
    cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        copts = IPC_COPTS,
        deps = ["//harness"] + deps,
        alwayslink = True,
        visibility = ["//visibility:public"],
    )
    cc_test(
        name = name + "_test",
        size = size,
        shard_count = shard_count if shard_count > 1 else None,
        tags = ["no-sandbox", "cpu:2"],
        deps = [":" + name, "//cli:suite_main"] + test_deps,
        linkstatic = True,
    )
