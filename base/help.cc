#include "base/help.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/text.h"

namespace ipcsuite {
namespace {

// CLI11's type with what it accepts ("INT:INT in [1 - 512]", "TEXT:{7,8}"), in two parts.
struct Value {
  std::string type, range;
};

Value ValueOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t colon = type.find(':');
  Value value{type.substr(0, colon), ""};
  if (value.type == "INT" || value.type == "UINT" || value.type == "FLOAT") value.type = "N";
  const std::string accepted = colon == std::string::npos ? "" : type.substr(colon + 1);
  const std::size_t open = accepted.find_first_of("{[");
  const std::size_t close = accepted.find_last_of("}]");
  if (open == std::string::npos || close == std::string::npos) return value;
  const std::string inner = accepted.substr(open + 1, close - open - 1);
  if (accepted[open] == '[') {
    const std::size_t dash = inner.find(" - ");
    if (dash != std::string::npos)
      value.range = inner.substr(0, dash) + " to " + inner.substr(dash + 3);
  } else {
    const std::vector<std::string> members = Split(inner, ",");
    const bool named = std::ranges::all_of(members, [&](const std::string& member) {
      return option.get_description().find(member) != std::string::npos;
    });
    if (!named) value.range = Join(members, ", ");
  }
  return value;
}

// "--jobs, -j N", "RESULTS...".
std::string Heading(const CLI::Option& option) {
  if (option.get_positional())
    return option.get_name(true, false) +
           (option.get_expected_max() >= CLI::detail::expected_max_vector_size ? "..." : "");
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames())
    names += (names.empty() ? "--" : ", --") + name;
  return option.get_type_size() == 0 ? names : names + " " + ValueOf(option).type;
}

std::string Explanation(const CLI::Option& option) {
  std::string text = option.get_description();
  const std::string range = ValueOf(option).range;
  if (!range.empty()) text += " (" + range + ")";
  const std::string otherwise = option.get_default_str();
  if (!otherwise.empty()) text += "; default: " + otherwise;
  return text;
}

class Formatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool) const override {
    const std::string heading = "  " + Heading(*option);
    std::string out, line = heading;
    constexpr std::size_t kColumn = 26, kWidth = 100;
    if (line.size() >= kColumn) {
      out = line + "\n";
      line.clear();
    }
    line.resize(kColumn, ' ');
    for (const std::string& word : Split(Explanation(*option), " ")) {
      if (line.size() + word.size() >= kWidth) {
        out += line + "\n";
        line.assign(kColumn, ' ');
      }
      line += (line.size() > kColumn ? " " : "") + word;
    }
    return out + line + "\n";
  }
};

std::string Roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

void AddOptions(const CLI::App& app, std::string& out) {
  for (const CLI::Option* const option : app.get_options())
    out += ".TP\n.B " + Roff(Heading(*option)) + "\n" + Roff(Explanation(*option)) + "\n";
}

}  // namespace

void PrepareHelp(CLI::App& app) {
  const auto formatter = std::make_shared<Formatter>();
  std::vector<CLI::App*> apps = app.get_subcommands({});
  apps.push_back(&app);
  for (CLI::App* const one : apps) {
    one->formatter(formatter);
    for (CLI::Option* const option : one->get_options()) {
      if (!option->nonpositional()) continue;
      option->allow_extra_args(false);
      if (option->get_type_size() != 0 && option->get_expected_max() == 1)
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
}

std::string HelpAsMan(const CLI::App& app) {
  std::string out = ".SS " + Roff(app.get_name()) + "\n" + Roff(app.get_description()) + "\n";
  AddOptions(app, out);
  for (const CLI::App* const sub : app.get_subcommands({})) {
    out += ".P\n.B " + Roff(app.get_name() + " " + sub->get_name()) + "\n.br\n" +
           Roff(sub->get_description()) + "\n";
    AddOptions(*sub, out);
  }
  return out;
}

std::string HelpAsWords(const CLI::App& app) {
  std::string words;
  const auto add = [&](const CLI::App& one) {
    for (const CLI::Option* const option : one.get_options()) {
      for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
    }
  };
  add(app);
  for (const CLI::App* const sub : app.get_subcommands({})) {
    words += sub->get_name() + " ";
    add(*sub);
  }
  return words + "\n";
}

}  // namespace ipcsuite
