"""Cross compilers of Debian as Bazel toolchains: `bazel build --config=arm64 //:ipcsuite_portable`."""

load("@bazel_tools//tools/cpp:unix_cc_toolchain_config.bzl", "cc_toolchain_config")
load("@rules_cc//cc:defs.bzl", "cc_toolchain")

def cross_toolchain(name, triple, cpu, constraints, gxx = None, include_dirs = []):
    """A toolchain that runs here and compiles for `constraints` with <triple>-g++.

    name: also of the platform, which .bazelrc's --config=NAME selects.
    gxx: a script of this package that stands for the compiler, where it is not /usr/bin/<triple>-g++.
    include_dirs: where its own headers lie, besides the usual places of Debian's cross compilers.
    """
    tool = "/usr/bin/" + triple + "-"
    compiler = gxx or tool + "g++"
    cc_toolchain_config(
        name = name + "_config",
        cpu = cpu,
        compiler = "gcc",
        toolchain_identifier = name,
        host_system_name = "local",
        target_system_name = triple,
        target_libc = "musl" if gxx else "glibc",
        abi_version = name,
        abi_libc_version = "local",
        cxx_builtin_include_directories = [
            "/usr/lib/gcc-cross/" + triple,
            "/usr/" + triple + "/include",
            "/usr/lib/gcc/" + triple,
        ] + include_dirs,
        tool_paths = {
            "ar": tool + "ar",
            "cpp": tool + "cpp",
            "dwp": "/bin/false",
            "gcc": compiler,
            "gcov": "/bin/false",
            "llvm-cov": "/bin/false",
            "ld": tool + "ld",
            "nm": tool + "nm",
            "objcopy": tool + "objcopy",
            "objdump": tool + "objdump",
            "strip": tool + "strip",
        },
        compile_flags = ["-fno-omit-frame-pointer"],
        opt_compile_flags = ["-O2", "-DNDEBUG", "-ffunction-sections", "-fdata-sections"],
        link_libs = ["-lstdc++", "-lm"],
        # gcc would name the files behind the symbolic links of repositories made from packages.
        unfiltered_compile_flags = ["-no-canonical-prefixes", "-fno-canonical-system-headers"],
        supports_start_end_lib = False,
    )
    native.filegroup(name = name + "_files", srcs = [gxx] if gxx else [])
    cc_toolchain(
        name = name + "_cc",
        all_files = name + "_files",
        ar_files = name + "_files",
        as_files = name + "_files",
        compiler_files = name + "_files",
        dwp_files = name + "_files",
        linker_files = name + "_files",
        objcopy_files = name + "_files",
        strip_files = name + "_files",
        toolchain_config = name + "_config",
        toolchain_identifier = name,
    )
    native.toolchain(
        name = name + "_toolchain",
        exec_compatible_with = ["@platforms//os:linux"],
        target_compatible_with = ["@platforms//os:linux"] + constraints,
        toolchain = name + "_cc",
        toolchain_type = "@bazel_tools//tools/cpp:toolchain_type",
    )
    native.platform(
        name = name,
        constraint_values = ["@platforms//os:linux"] + constraints,
        visibility = ["//visibility:public"],
    )
