// Platforms that the suite can be run on from here: how each is named, and how the program is
// started there.
//
// A kind of platform is one file in platforms/kinds that brings its row (Row<PlatformKind>):
// parsing, help, `ipcsuite on --list` and the start are derived from the table. A platform is
// written KIND, KIND:TARGET, KIND:TARGET,KEY=VALUE,... or, of a kind without target, KIND:KEY,...
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/rows.h"

namespace ipcsuite::platforms {

struct PlatformKind;

struct PlatformSpec {
  std::string text;  // as the user wrote it
  const PlatformKind* kind = nullptr;
  std::string target;                       // KERNEL, DIRECTORY, HOST, ...; empty: none
  std::map<std::string, std::string> keys;  // those given; a flag has an empty value

  bool Has(const std::string& key) const { return keys.count(key) != 0; }
  // The value that was given; the key's default otherwise.
  std::string Value(const std::string& key) const;
};

struct User {
  uid_t uid;
  gid_t gid;
};

// How to start the program there.
struct Launch {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment;
  std::optional<User> user;
  // What to type on its standard input, once `prompt` has appeared on its output; empty: nothing.
  std::string typed, prompt;
};

// What is needed to prepare a launch.
struct LaunchInput {
  std::string program;            // the file to run there
  std::vector<std::string> args;  // its arguments
  std::string work_dir;           // an empty directory of ours, removed afterwards
};

// Null when the value is right; otherwise what it has to be: "a number from 1 to 512".
using ValueCheck = const char* (*)(const std::string& value);

struct PlatformKey {
  const char* name;
  const char* value = nullptr;  // "SIZE": what stands after '='; null: a flag
  const char* help;
  const char* otherwise = "";  // used when the key is not given
  ValueCheck check = nullptr;  // null: any text
};

enum class Target { kNone, kOptional, kRequired };

struct PlatformKind {
  const char* name;    // "vm"
  const char* syntax;  // "vm:KERNEL"
  const char* help;
  Target target = Target::kNone;
  std::vector<PlatformKey> keys = {};
  bool needs_static = false;  // the dynamic loader of this machine is absent there
  bool at_in_target = false;  // '@' belongs to the target (user@host)
  // "" when platforms of this kind can be started here; otherwise what is missing and which package
  // provides it. Null: always available.
  std::string (*missing)() = nullptr;
  // What is wrong with the target, on one line; "" when it is right. Null: any.
  std::string (*check)(const PlatformSpec& spec) = nullptr;
  // Makes what the platform needs (bundle, initramfs) and says how to start.
  Result<Launch> (*prepare)(const PlatformSpec& spec, const LaunchInput& input);
};

// Of a name that a user wrote; the kind, its keys and their values are checked.
Result<PlatformSpec> ParsePlatform(const std::string& text);

// Prepares a launch. Refuses a dynamic program where its loader is absent.
Result<Launch> Prepare(const PlatformSpec& spec, const LaunchInput& input);

// "bwrap, container:KEY,..., ...": every kind.
std::string PlatformSyntax();
// For `ipcsuite on --list`: each kind, whether it is available here, and its keys.
std::vector<std::string> ListPlatforms();

// ---- For the rows

// The program started as it is, and under a loader or emulator: what it executes itself must then
// begin with the same words.
Launch Plain(const LaunchInput& input);
Launch Under(const std::vector<std::string>& prefix, const LaunchInput& input);

// Absolute path of a command in PATH (and /usr/sbin); empty when there is none. With a slash: the
// name itself.
std::string FindCommand(const std::string& name);
// "" when one of the commands is in PATH; otherwise "needs COMMAND: install PACKAGE".
std::string MissingCommand(const std::vector<std::string>& commands, const std::string& package);

// A decimal number without sign; nullopt for any other text and for more than `most`.
std::optional<std::uint64_t> ParseNumber(const std::string& text, std::uint64_t most);
// "64", "512k", "300m", "2g", in bytes; 0 is a size.
std::optional<std::uint64_t> ParseBytes(const std::string& text);
const char* CheckBytes(const std::string& value);
// A user by name or number, as /etc/passwd has them (a static program has no other way).
Result<User> FindUser(const std::string& text);

}  // namespace ipcsuite::platforms
