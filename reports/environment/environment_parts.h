// Private to reports/environment*.cc: one function for each section of the card.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "reports/results/model.h"

namespace ipcsuite::report::environment {

// First 64 KiB of a file of /proc or /sys with trailing white space cut; "" if unreadable.
std::string Slurp(const std::string& path);
// Value of the line "key:<blank>value" (or "key<tab>: value"); "" if absent.
std::string LineValue(std::string_view text, std::string_view key);
std::vector<std::string> Words(std::string_view text);
// Appends the fact unless the value is empty.
void Put(EnvironmentSection& section, const std::string& key, std::string value);

// "tmpfs on /dev/shm, rw,nosuid, rw,size=64k" for the mount that holds `path`; "" if unknown.
std::string MountOf(const std::string& path);

EnvironmentSection Kernel();
EnvironmentSection CLibrary();
EnvironmentSection Surroundings();  // container, machine, namespaces, sandbox
EnvironmentSection Privileges();
EnvironmentSection Limits();
EnvironmentSection IpcSettings();  // sysctls
EnvironmentSection FileSystems();
EnvironmentSection Processors();
EnvironmentSection ClockAndLoad();
EnvironmentSection Build(const std::string& commit);

// "docker", "podman", "lxc", "gvisor", "systemd-nspawn", "kubernetes", "wsl", "unknown", "none".
std::string ContainerKind();

}  // namespace ipcsuite::report::environment
