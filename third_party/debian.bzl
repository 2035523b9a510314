"""Repositories made from installed Debian packages, for Bazel 4 without a network."""

def _need(ctx, path, package):
    """Returns the path, or fails with the one line that says which package holds it."""
    p = ctx.path(path)
    if not p.exists:
        fail("ipcsuite: %s is missing; install it: apt-get install %s" % (path, package))
    return p

def _multiarch(ctx):
    """The library folder's triple, asked of the compiler ("" where it has none)."""
    compiler = ctx.os.environ.get("CC", "gcc")
    tool = ctx.which(compiler)
    if not tool:
        fail("ipcsuite: no C++ compiler (%s) found; install it: apt-get install g++" % compiler)
    result = ctx.execute([tool, "-print-multiarch"])
    return result.stdout.strip() if result.return_code == 0 else ""

def _debian_package_impl(ctx):
    for source, target in ctx.attr.links.items():
        ctx.symlink(_need(ctx, source, ctx.attr.package), target)
    if ctx.attr.static_libs:
        triple = _multiarch(ctx)
        for lib in ctx.attr.static_libs:
            candidates = ["/usr/lib/%s/%s" % (triple, lib)] if triple else []
            candidates += ["/usr/lib64/" + lib, "/usr/lib/" + lib]
            found = [c for c in candidates if ctx.path(c).exists]
            ctx.symlink(_need(ctx, (found or candidates)[0], ctx.attr.package), "lib/" + lib)
    ctx.symlink(ctx.attr.build_file, "BUILD")

debian_package = repository_rule(
    implementation = _debian_package_impl,
    attrs = {
        "package": attr.string(mandatory = True, doc = "the Debian package, named when it is missing"),
        "links": attr.string_dict(doc = "installed path -> path in the repository"),
        "static_libs": attr.string_list(doc = "lib*.a files, put into lib/"),
        "build_file": attr.label(mandatory = True, allow_single_file = True),
    },
    environ = ["CC"],
    local = True,
    doc = "Headers, sources and static libraries of one Debian package under an overlay BUILD.",
)

def _debian_rapidcheck_impl(ctx):
    source = ctx.os.environ.get("IPCSUITE_RAPIDCHECK")
    if source:
        source_package = "apt-get source rapidcheck"
        ctx.symlink(_need(ctx, source + "/src", source_package), "src")
        ctx.symlink(source + "/include/rapidcheck.h", "include/rapidcheck.h")
        gtest = source + "/extras/gtest/include/rapidcheck/gtest.h"
        for header in ctx.path(source + "/include/rapidcheck").readdir() + [ctx.path(gtest)]:
            ctx.symlink(header, "include/rapidcheck/" + header.basename)
        ctx.symlink(ctx.attr.build_file, "BUILD")
    else:
        _debian_package_impl(ctx)

debian_rapidcheck = repository_rule(
    implementation = _debian_rapidcheck_impl,
    attrs = {
        "package": attr.string(mandatory = True),
        "links": attr.string_dict(),
        "static_libs": attr.string_list(),
        "build_file": attr.label(mandatory = True, allow_single_file = True),
    },
    environ = ["CC", "IPCSUITE_RAPIDCHECK"],
    local = True,
    doc = "rapidcheck: the package, a library of this machine, or the sources that IPCSUITE_RAPIDCHECK names, for any.",
)

def _debian_fmt_impl(ctx):
    core = _need(ctx, "/usr/include/fmt/core.h", "libfmt-dev")
    ctx.symlink(core.dirname, "include/fmt")
    if "#define FMT_VERSION 9" in ctx.read(core):
        ctx.symlink(ctx.attr.library, "fmt_library.cc")
    ctx.symlink(ctx.attr.build_file, "BUILD")

debian_fmt = repository_rule(
    implementation = _debian_fmt_impl,
    attrs = {
        "library": attr.label(mandatory = True, allow_single_file = True),
        "build_file": attr.label(mandatory = True, allow_single_file = True),
    },
    local = True,
    doc = "fmt from its packaged headers; compiled once where the version is the one we know.",
)

def _debian_tree_impl(ctx):
    root = _need(ctx, ctx.attr.path, ctx.attr.package)
    for entry in root.readdir():
        ctx.symlink(entry, entry.basename)

debian_tree = repository_rule(
    implementation = _debian_tree_impl,
    attrs = {
        "package": attr.string(mandatory = True),
        "path": attr.string(mandatory = True, doc = "a packaged Bazel repository, with its own BUILD files"),
    },
    local = True,
    doc = "A packaged Bazel repository as it is.",
)

# Debian's rules_cc 0.0.4 loads this symbol in these files; Bazel 4.2's @bazel_tools lacks it.
_RULES_CC = "/usr/share/bazel/rules/cc"
_PRIVATE = "cc/private/rules_impl"
_LOAD = ", \"use_cpp_toolchain\""
_CALL = "use_cpp_toolchain()"
_TOOLCHAIN = "[\"@bazel_tools//tools/cpp:toolchain_type\"]"

def _link_children(ctx, folder, skip):
    for entry in ctx.path(_RULES_CC + "/" + folder if folder else _RULES_CC).readdir():
        target = folder + "/" + entry.basename if folder else entry.basename
        if target != skip:
            ctx.symlink(entry, target)

def _rules_cc_impl(ctx):
    _need(ctx, _RULES_CC + "/" + _PRIVATE, "bazel-rules-cc")
    _link_children(ctx, "", "cc")
    _link_children(ctx, "cc", "cc/private")
    _link_children(ctx, "cc/private", _PRIVATE)
    for entry in ctx.path(_RULES_CC + "/" + _PRIVATE).readdir():
        text = ctx.read(entry).replace(_LOAD, "").replace(_CALL, _TOOLCHAIN)
        ctx.file(_PRIVATE + "/" + entry.basename, text, executable = False)

debian_rules_cc = repository_rule(
    implementation = _rules_cc_impl,
    local = True,
    doc = "The packaged rules_cc, with the one symbol replaced that Bazel 4.2 does not have.",
)

def _stub_impl(ctx):
    ctx.file("BUILD", """
filegroup(
    name = "coverage_report_generator",
    visibility = ["//visibility:public"],
)
""", executable = False)

coverage_stub = repository_rule(
    implementation = _stub_impl,
    doc = "Bazel 4 wants to download this tool for every test; nothing here uses it.",
)

def debian_dependencies():
    """Declares every external repository of the project."""
    debian_rules_cc(name = "rules_cc")
    debian_tree(name = "rules_java", package = "bazel-rules-java", path = "/usr/share/bazel/rules/java")
    debian_tree(name = "rules_proto", package = "bazel-rules-proto", path = "/usr/share/bazel/rules/proto")
    debian_tree(name = "platforms", package = "bazel-platforms", path = "/usr/share/bazel/platforms")
    debian_tree(name = "bazel_skylib", package = "bazel-skylib", path = "/usr/share/bazel/tools/skylib")
    coverage_stub(name = "remote_coverage_tools")
    debian_package(
        name = "com_google_googletest",
        package = "googletest",
        build_file = "//third_party:googletest.BUILD",
        links = {
            "/usr/src/googletest/googletest": "googletest",
            "/usr/src/googletest/googlemock": "googlemock",
        },
    )
    debian_rapidcheck(
        name = "rapidcheck",
        package = "librapidcheck-dev",
        build_file = "//third_party:rapidcheck.BUILD",
        links = {
            "/usr/include/rapidcheck": "include/rapidcheck",
            "/usr/include/rapidcheck.h": "include/rapidcheck.h",
        },
        static_libs = ["librapidcheck.a"],
    )
    debian_fmt(
        name = "fmt",
        build_file = "//third_party:fmt.BUILD",
        library = "//third_party:fmt_library.cc",
    )
    debian_package(
        name = "nlohmann_json",
        package = "nlohmann-json3-dev",
        build_file = "//third_party:nlohmann_json.BUILD",
        links = {"/usr/include/nlohmann": "include/nlohmann"},
    )
    debian_package(
        name = "cli11",
        package = "libcli11-dev",
        build_file = "//third_party:cli11.BUILD",
        links = {"/usr/include/CLI": "include/CLI"},
    )
    debian_package(
        name = "yaml-cpp",
        package = "libyaml-cpp-dev",
        build_file = "//third_party:yaml_cpp.BUILD",
        links = {"/usr/include/yaml-cpp": "include/yaml-cpp"},
        static_libs = ["libyaml-cpp.a"],
    )
