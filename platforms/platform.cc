#include "platforms/platform.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/args.h"
#include "base/files.h"
#include "base/text.h"
#include "platforms/elf.h"

namespace ipcsuite::platforms {
namespace {

const PlatformKey* FindKey(const PlatformKind& kind, const std::string& name) {
  const auto it = std::find_if(kind.keys.begin(), kind.keys.end(),
                               [&](const PlatformKey& key) { return name == key.name; });
  return it == kind.keys.end() ? nullptr : &*it;
}

std::string Syntax(const PlatformKey& key) {
  return key.value == nullptr ? key.name : std::string(key.name) + "=" + key.value;
}

std::string KeysOf(const PlatformKind& kind) {
  std::vector<std::string> keys;
  for (const PlatformKey& key : kind.keys) keys.push_back(Syntax(key));
  return keys.empty() ? std::string(kind.name) + " takes none" : "there are " + Join(keys, ", ");
}

// Enters "key=value" or "flag"; what is wrong with it otherwise.
std::string AddKey(const std::string& part, PlatformSpec* spec) {
  const std::size_t equals = part.find('=');
  const std::string name = part.substr(0, equals);
  const PlatformKey* const key = FindKey(*spec->kind, name);
  if (key == nullptr) return "unknown key '" + name + "': " + KeysOf(*spec->kind);
  if ((key->value != nullptr) != (equals != std::string::npos))
    return "'" + part + "' has to be " + Syntax(*key);
  const std::string value = equals == std::string::npos ? "" : part.substr(equals + 1);
  const char* const wanted = key->check != nullptr ? key->check(value) : nullptr;
  if (wanted != nullptr) return "'" + part + "': " + key->value + " has to be " + wanted;
  if (!spec->keys.emplace(name, value).second) return "key '" + name + "' is given twice";
  return "";
}

// A dynamic program where its loader is absent ends in a message that nobody understands.
std::string WhyNotStatic(const std::string& program) {
  const Result<std::string> content = ReadFile(program);
  if (!content) return content.error();
  const std::optional<ElfFile> elf = ReadElf(*content);
  if (!elf || elf->interpreter.empty()) return "";
  return "the program needs the dynamic loader " + elf->interpreter +
         ", which is absent there: name the static program with --program (`bazel build "
         "//:ipcsuite_portable` makes it; ./ipcsuite sends it by itself)";
}

}  // namespace

std::string PlatformSpec::Value(const std::string& key) const {
  const auto it = keys.find(key);
  if (it != keys.end()) return it->second;
  const PlatformKey* const known = FindKey(*kind, key);
  return known == nullptr ? "" : known->otherwise;
}

Result<PlatformSpec> ParsePlatform(const std::string& text) {
  PlatformSpec spec;
  spec.text = text;
  const std::size_t colon = text.find(':');
  spec.kind = FindRow<PlatformKind>(text.substr(0, colon));
  if (spec.kind == nullptr) {
    std::vector<std::string> names;
    for (const PlatformKind* kind : AllRows<PlatformKind>()) names.emplace_back(kind->name);
    return Error{"unknown platform '" + text + "'" + DidYouMean(text.substr(0, colon), names) +
                 " (there are " + PlatformSyntax() + ")"};
  }
  std::vector<std::string> parts =
      Split(colon == std::string::npos ? "" : text.substr(colon + 1), ",");
  if (spec.kind->target != Target::kNone && !parts.empty()) {
    spec.target = parts.front();
    parts.erase(parts.begin());
  }
  const auto refuse = [&](const std::string& why) {
    return Error{"platform '" + text + "': " + why};
  };
  if (spec.kind->target == Target::kRequired && spec.target.empty())
    return refuse(std::string("a value is missing after the colon: ") + spec.kind->syntax);
  for (const std::string& part : parts) {
    if (const std::string why = AddKey(part, &spec); !why.empty()) return refuse(why);
  }
  if (spec.kind->check != nullptr) {
    if (const std::string why = spec.kind->check(spec); !why.empty()) return refuse(why);
  }
  return spec;
}

Result<Launch> Prepare(const PlatformSpec& spec, const LaunchInput& input) {
  if (spec.kind->missing != nullptr) {
    if (const std::string why = spec.kind->missing(); !why.empty())
      return Error{"platform '" + spec.text + "' " + why};
  }
  if (spec.kind->needs_static) {
    if (const std::string why = WhyNotStatic(input.program); !why.empty())
      return Error{"platform '" + spec.text + "': " + why};
  }
  return spec.kind->prepare(spec, input);
}

std::string PlatformSyntax() {
  std::vector<std::string> kinds;
  for (const PlatformKind* kind : AllRows<PlatformKind>()) kinds.emplace_back(kind->syntax);
  return Join(kinds, ", ");
}

std::vector<std::string> ListPlatforms() {
  std::vector<std::string> lines;
  const auto add = [&](const std::string& indent, const std::string& head,
                       const std::string& rest) {
    const std::string padding(
        head.size() + indent.size() < 24 ? 24 - head.size() - indent.size() : 1, ' ');
    lines.push_back(indent + head + padding + rest);
  };
  for (const PlatformKind* kind : AllRows<PlatformKind>()) {
    const std::string why = kind->missing == nullptr ? "" : kind->missing();
    add("", kind->syntax, std::string(kind->help) + ": " + (why.empty() ? "available" : why));
    for (const PlatformKey& key : kind->keys) {
      const std::string otherwise = key.otherwise;
      add("  ", Syntax(key), key.help + (otherwise.empty() ? "" : " (default: " + otherwise + ")"));
    }
  }
  return lines;
}

Launch Plain(const LaunchInput& input) {
  Launch launch;
  launch.argv.push_back(input.program);
  launch.argv.insert(launch.argv.end(), input.args.begin(), input.args.end());
  return launch;
}

Launch Under(const std::vector<std::string>& prefix, const LaunchInput& input) {
  Launch launch = Plain(input);
  std::string self;
  for (const std::string& word : prefix) self += word + "\n";
  launch.environment.emplace_back("IPCSUITE_SELF", self + input.program);
  launch.argv.insert(launch.argv.begin(), prefix.begin(), prefix.end());
  return launch;
}

std::string FindCommand(const std::string& name) {
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  for (const std::string& dir :
       Split(std::string(path ? path : "/usr/bin:/bin") + ":/usr/sbin:/sbin:/usr/local/bin", ":")) {
    const std::string candidate = dir + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

std::string MissingCommand(const std::vector<std::string>& commands, const std::string& package) {
  for (const std::string& command : commands) {
    if (!FindCommand(command).empty()) return "";
  }
  return "needs " + Join(commands, " or ") + ", not found in PATH: install " + package;
}

std::optional<std::uint64_t> ParseNumber(const std::string& text, std::uint64_t most) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end || number > most) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> ParseBytes(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const std::size_t power = std::string("kmg").find(text.back());
  const bool unit = power != std::string::npos;
  const auto number = ParseNumber(unit ? text.substr(0, text.size() - 1) : text, INT64_MAX >> 30);
  if (!number) return std::nullopt;
  return unit ? *number << (10 * (power + 1)) : *number;
}

const char* CheckBytes(const std::string& value) {
  return ParseBytes(value) ? nullptr : "a number, 64, 512k, 300m or 2g for example";
}

Result<User> FindUser(const std::string& text) {
  constexpr std::uint64_t kMost = static_cast<uid_t>(-1) - 1;  // -1 stands for "no change"
  const auto number = ParseNumber(text, kMost);
  const std::string digits = "0123456789";
  if (!number && text.find_first_not_of(digits) == std::string::npos)
    return Error{"user id " + text + " is out of range: name one up to " + std::to_string(kMost)};
  if (const Result<std::string> users = ReadFile("/etc/passwd")) {
    for (const std::string& line : Lines(*users)) {
      // name:password:uid:gid:...; the password field may be empty.
      std::vector<std::string> fields(1);
      for (const char c : line) {
        if (c == ':')
          fields.emplace_back();
        else
          fields.back() += c;
      }
      if (fields.size() < 4) continue;
      const auto uid = ParseNumber(fields[2], kMost), gid = ParseNumber(fields[3], kMost);
      if (uid && gid && (number ? *uid == *number : fields[0] == text))
        return User{static_cast<uid_t>(*uid), static_cast<gid_t>(*gid)};
    }
  }
  if (number) return User{static_cast<uid_t>(*number), static_cast<gid_t>(*number)};
  return Error{"user '" + text + "' is not in /etc/passwd: name one that is, or a user id"};
}

}  // namespace ipcsuite::platforms
