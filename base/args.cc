#include "base/args.h"

#include "base/help.h"
#include "base/os/os.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace ipcsuite {
namespace {

struct Unit {
  const char* name;
  double factor;
};

// The factor of the unit in the table; 0 for an unknown one.
template <std::size_t N>
double FactorOf(const Unit (&units)[N], const std::string& name) {
  const Unit* const found = std::find_if(std::begin(units), std::end(units),
                                         [&](const Unit& u) { return name == u.name; });
  return found == std::end(units) ? 0 : found->factor;
}

constexpr Unit kDurationUnits[] = {{"", 1},  {"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3},
                                   {"s", 1}, {"m", 60},    {"min", 60},  {"h", 3600}};
constexpr Unit kSizeUnits[] = {
    {"", 1},        {"B", 1},       {"k", 1024},      {"K", 1024},         {"KiB", 1024},
    {"m", 1048576}, {"M", 1048576}, {"MiB", 1048576}, {"GiB", 1073741824}, {"G", 1073741824}};

// An option whose text is read by `parse`; what it says of a bad one is the usage error.
template <typename T, typename Parse>
CLI::Option* AddParsed(CLI::App& app, const std::string& names, T& value, const std::string& help,
                       const std::string& type, Parse parse) {
  return app
      .add_option_function<std::string>(
          names,
          [&value, parse, names](const std::string& text) {
            const auto parsed = parse(text);
            if (!parsed)
              throw CLI::ValidationError(names.substr(0, names.find(',')), parsed.error());
            value = *parsed;
          },
          help)
      ->type_name(type);
}

// How many letters have to be added, removed, replaced or swapped with their neighbour.
std::size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                             cost[i - 1][j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

// What was not expected: an option first, since what follows it may have been its value.
std::string Unexpected(const CLI::App& app, const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const auto option =
      std::find_if(words.begin(), words.end(), [](const std::string& w) { return w[0] == '-'; });
  if (option == words.end()) return "unexpected argument '" + words.front() + "'";
  const std::string name = option->substr(0, option->find('='));
  return "unknown option " + name + DidYouMean(name, names);
}

// "--out=" as "--out" and an empty word: CLI11 would take the next word for the value.
std::vector<std::string> WithEmptyValues(const std::vector<std::string>& args) {
  std::vector<std::string> words;
  for (const std::string& arg : args) {
    const bool empty = arg.size() > 3 && arg.starts_with("--") && arg.find('=') == arg.size() - 1;
    words.push_back(empty ? arg.substr(0, arg.size() - 1) : arg);
    if (empty) words.emplace_back();
  }
  return words;
}

// What is wrong, in our words where CLI11's are hard to read.
std::string Mistake(const CLI::App& app, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return error.what();
  std::vector<std::string> rest = app.remaining(true);
  std::erase(rest, "");
  return rest.empty() ? error.what() : Unexpected(app, rest);
}

}  // namespace

std::string DidYouMean(const std::string& word, const std::vector<std::string>& known) {
  const auto lower = [](std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
  };
  const std::string mine = lower(word);
  std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string nearest;
  for (const std::string& one : known) {
    const std::size_t distance = Distance(mine, lower(one));
    if (distance < best) best = distance, nearest = one;
  }
  return nearest.empty() ? "" : ": did you mean '" + nearest + "'?";
}

bool IsTerminal(int fd) {
  const char* const term = std::getenv("TERM");
  return isatty(fd) != 0 && term != nullptr && std::string(term) != "dumb";
}

bool WantsColor(int fd) {
  const char* const none = std::getenv("NO_COLOR");
  return IsTerminal(fd) && (none == nullptr || *none == '\0');
}

std::string ShellQuoted(const std::string& word) {
  const std::string plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string ProgramCommand() {
  const char* const launcher = std::getenv("IPCSUITE_LAUNCHER");
  const std::string path = launcher != nullptr && *launcher != '\0' ? launcher : os::OwnPath();
  return path.empty() ? "ipcsuite" : ShellQuoted(path);
}

int Complain(const std::string& line) {
  std::fprintf(stderr, "ipcsuite: %s\n", line.c_str());
  return 2;
}

int ParseArguments(CLI::App& app, std::vector<std::string> args,
                   const std::function<int()>& resolve) {
  bool dry_run = false;
  app.add_flag("--dry-run", dry_run, "Check this command line and do nothing else");
  for (CLI::App* const sub : app.get_subcommands({})) sub->fallthrough();
  PrepareHelp(app);
  if (args.size() == 1 && (args[0] == kHelpMan || args[0] == kHelpWords)) {
    std::printf("%s", (args[0] == kHelpMan ? HelpAsMan(app) : HelpAsWords(app)).c_str());
    return 0;
  }
  try {
    args = WithEmptyValues(args);
    std::reverse(args.begin(), args.end());
    app.parse(std::move(args));
  } catch (const CLI::CallForHelp&) {
    std::printf("%s", app.help().c_str());
    return 0;
  } catch (const CLI::ParseError& error) {
    return Complain(Mistake(app, error) + " (" + app.get_name() + " --help)");
  }
  if (resolve) {
    if (const int status = resolve(); status >= 0) return status;
  }
  return dry_run ? 0 : -1;
}

int ParseArguments(CLI::App& app, int argc, char** argv, const std::function<int()>& resolve) {
  return ParseArguments(app, std::vector<std::string>(argv, argv + argc), resolve);
}

Result<std::int64_t> ParseInteger(const std::string& text, std::int64_t low, std::int64_t high) {
  std::int64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(text.data(), last, number);
  if (problem != std::errc() || end != last || number < low || number > high) {
    return Error{"'" + text + "' is not a whole number from " + std::to_string(low) + " to " +
                 std::to_string(high)};
  }
  return number;
}

Result<std::chrono::nanoseconds> ParseDuration(const std::string& text) {
  char* end = nullptr;
  const bool digit = !text.empty() && (text[0] == '.' || (text[0] >= '0' && text[0] <= '9'));
  const double value = std::strtod(text.c_str(), &end);
  const double seconds = value * FactorOf(kDurationUnits, end);
  if (!digit || !(seconds > 0) || seconds > 3.6e7) {
    return Error{"'" + text + "' is not a duration: write 500ms, 90s, 30m or 8h"};
  }
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

Result<std::size_t> ParseSize(const std::string& text) {
  std::uint64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(text.data(), last, number);
  const double bytes = static_cast<double>(number) * FactorOf(kSizeUnits, std::string(end, last));
  if (problem != std::errc() || bytes < 1 || bytes > 1 << 30) {
    return Error{"'" + text + "' is not a size from 1 to 1GiB: write 64, 4k or 1MiB"};
  }
  return static_cast<std::size_t>(bytes);
}

Result<std::uint64_t> ParseSeed(const std::string& text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const char* const first = text.data() + (hex ? 2 : 0);
  const char* const last = text.data() + text.size();
  std::uint64_t seed = 0;
  const auto [end, problem] = std::from_chars(first, last, seed, hex ? 16 : 10);
  if (problem != std::errc() || end != last) {
    return Error{"'" + text + "' is not a 64-bit number (decimal, or hexadecimal after 0x)"};
  }
  return seed;
}

CLI::Option* AddDuration(CLI::App& app, const std::string& names, std::chrono::nanoseconds& value,
                         const std::string& help) {
  return AddParsed(app, names, value, help, "DURATION", ParseDuration);
}

CLI::Option* AddSeed(CLI::App& app, std::uint64_t& value, const std::string& help) {
  return AddParsed(app, "--seed", value, help, "SEED", ParseSeed);
}

}  // namespace ipcsuite
