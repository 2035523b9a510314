#include "spec/gen/catalog.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <set>
#include <span>
#include <utility>

namespace ipcsuite::gen {
namespace {

struct FieldRule {
  std::string_view name;
  bool needed;
  std::span<const std::string_view> values;  // empty: any text
};

constexpr std::string_view kIssues[] = {"7", "8", "both"};
constexpr std::string_view kKinds[] = {
    "shall",       "shall-error",           "limit", "may-error", "should",
    "unspecified", "implementation-defined"};
constexpr std::string_view kTexts[] = {"issue-7", "issue-8", "issue-8-transcription", "unread"};
constexpr std::string_view kStatuses[] = {"open", "fixed", "historical"};
constexpr std::string_view kBases[] = {"observed", "source", "doc", "memory"};

constexpr FieldRule kClauseFields[] = {
    {"id", true, {}},          {"function", true, {}},   {"source", true, {}},
    {"issue", true, kIssues},  {"kind", true, kKinds},   {"level", true, {}},
    {"requires", true, {}},    {"test_hint", false, {}}, {"linux", false, {}},
    {"untestable", false, {}}, {"text", false, {}},      {"disputed", false, {}},
};

constexpr FieldRule kRegressionFields[] = {
    {"id", true, {}},        {"where", true, {}},   {"status", true, kStatuses},
    {"basis", true, kBases}, {"trigger", true, {}}, {"wrong_result", true, {}},
    {"affected", false, {}}, {"fixed", false, {}},  {"clauses", false, {}},
};

std::span<const FieldRule> Rules(bool regression) {
  return regression ? std::span<const FieldRule>(kRegressionFields)
                    : std::span<const FieldRule>(kClauseFields);
}

const FieldRule* RuleOf(std::string_view field, bool regression) {
  const auto rules = Rules(regression);
  const auto at = std::ranges::find(rules, field, &FieldRule::name);
  return at == rules.end() ? nullptr : &*at;
}

std::string Join(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

std::string Trim(const std::string& text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string::npos) return "";
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

// An id is two or more words of [a-z0-9_] joined by dots.
bool IsId(std::string_view id) {
  bool word = false;
  int dots = 0;
  for (const char c : id) {
    if (c == '.') {
      if (!word) return false;
      word = false;
      ++dots;
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_') {
      word = true;
    } else {
      return false;
    }
  }
  return word && dots > 0;
}

int LineOf(const YAML::Mark& mark) { return mark.is_null() ? 1 : mark.line + 1; }

std::string Where(const Place& place) { return place.file + ":" + std::to_string(place.line); }

}  // namespace

std::string_view Entry::Field(std::string_view name) const {
  const auto at = fields.find(name);
  return at == fields.end() ? std::string_view() : std::string_view(at->second);
}

void Catalog::Error(const Place& place, const std::string& what) {
  errors_.push_back(Where(place) + ": " + what);
}

void Catalog::Add(const std::string& file, const std::string& text) {
  const std::filesystem::path path(file);
  const bool regression = path.parent_path().filename() == "regressions";

  YAML::Node root;
  try {
    root = YAML::Load(text);
  } catch (const YAML::ParserException& e) {
    return Error({file, LineOf(e.mark)}, "not valid YAML: " + e.msg);
  }
  if (!root.IsSequence() || root.size() == 0) {
    return Error({file, LineOf(root.Mark())}, "expected a list of entries (- id: ...)");
  }

  std::vector<std::string> text_of_file;
  std::map<std::string, std::vector<std::string>> text_of_function;
  for (const YAML::Node& node : root) {
    Entry entry;
    entry.interface = path.stem();
    entry.place = {file, LineOf(node.Mark())};
    if (!node.IsMap()) {
      Error(entry.place, "expected an entry (- id: ...)");
      continue;
    }
    if (const YAML::Node defaults = node["defaults"]; defaults && !regression) {
      text_of_file = ReadTexts(defaults["text"], entry.place);
      for (const auto& function : defaults["functions"]) {
        text_of_function[function.first.Scalar()] = ReadTexts(function.second, entry.place);
      }
      continue;
    }
    for (const auto& field : node) {
      const std::string name = field.first.IsScalar() ? field.first.Scalar() : "";
      if (RuleOf(name, regression)) {
        ReadField(name, field.second, regression, entry);
      } else {
        Error({file, LineOf(field.first.Mark())}, "unknown field '" + name + "'");
      }
    }
    CheckFields(entry, regression);
    if (!regression && !entry.fields.contains("text")) {
      const auto own = text_of_function.find(std::string(entry.Field("function")));
      entry.text = own == text_of_function.end() ? text_of_file : own->second;
      // The text of one issue says nothing about a clause that only the other one has.
      std::erase_if(entry.text, [&](const std::string& read) {
        const std::string_view issue = entry.Field("issue");
        return issue != "both" && !read.starts_with("issue-" + std::string(issue));
      });
    }
    (regression ? regressions_ : clauses_).push_back(std::move(entry));
  }
}

void Catalog::ReadField(const std::string& name, const YAML::Node& value, bool regression,
                        Entry& entry) {
  const Place place{entry.place.file, LineOf(value.Mark())};
  if (!entry.fields.emplace(name, name).second) {
    return Error(place, "field '" + name + "' is given twice");
  }
  if (name == "disputed") return ReadDispute(value, place, entry);
  if (name == "text") {
    entry.text = ReadTexts(value, place);
    return;
  }
  if (name == "clauses") {
    if (!value.IsSequence()) return Error(place, "field 'clauses' must be a list of clause ids");
    for (const YAML::Node& id : value) entry.clauses.push_back(id.IsScalar() ? id.Scalar() : "");
    return;
  }
  if (!value.IsScalar()) return Error(place, "field '" + name + "' must be text");
  const std::string& text = entry.fields[name] = Trim(value.Scalar());
  if (text.empty()) Error(place, "field '" + name + "' is empty");
  if (name == "id") entry.id = text;
  const auto values = RuleOf(name, regression)->values;
  if (!values.empty() && std::ranges::find(values, text) == values.end()) {
    Error(place, "unknown " + name + " '" + text + "'; it is one of " + Join(values));
  }
}

void Catalog::ReadDispute(const YAML::Node& value, const Place& place, Entry& entry) {
  const YAML::Node readings = value.IsMap() ? value["readings"] : YAML::Node();
  const YAML::Node decides = value.IsMap() ? value["decides"] : YAML::Node();
  if (!readings || !readings.IsSequence() || readings.size() < 2 || !decides ||
      !decides.IsScalar() || Trim(decides.Scalar()).empty() || value.size() != 2) {
    return Error(place,
                 "field 'disputed' must have 'readings', a list of two or more, and "
                 "'decides', what would settle it");
  }
  for (const YAML::Node& reading : readings) {
    entry.readings.push_back(reading.IsScalar() ? Trim(reading.Scalar()) : "");
    if (entry.readings.back().empty()) Error(place, "a reading of 'disputed' is empty");
  }
  entry.fields["decides"] = Trim(decides.Scalar());
}

std::vector<std::string> Catalog::ReadTexts(const YAML::Node& value, const Place& place) {
  std::vector<std::string> texts;
  if (!value || !value.IsSequence() || value.size() == 0) {
    Error(place, "field 'text' must be a list of " + Join(kTexts));
    return texts;
  }
  for (const YAML::Node& node : value) {
    const std::string text = node.IsScalar() ? node.Scalar() : "";
    if (std::ranges::find(kTexts, text) == std::end(kTexts)) {
      Error(place, "unknown text '" + text + "'; it is one of " + Join(kTexts));
    } else if (text != "unread") {
      texts.push_back(text);
    }
  }
  return texts;
}

void Catalog::CheckFields(const Entry& entry, bool regression) {
  const std::string what = entry.id.empty() ? "entry" : "'" + entry.id + "'";
  for (const FieldRule& rule : Rules(regression)) {
    if (rule.needed && !entry.fields.contains(rule.name)) {
      Error(entry.place, what + " has no field '" + std::string(rule.name) + "'");
    }
  }
  if (!entry.id.empty() && !IsId(entry.id)) {
    Error(entry.place, what + " is not an id: two or more words of a-z, 0-9 and _ joined by dots");
  }
  if (!regression && !entry.fields.contains("test_hint") && !entry.fields.contains("untestable")) {
    Error(entry.place, what + " has neither 'test_hint' nor 'untestable'");
  }
}

void Catalog::CheckNames(const std::vector<Entry>& entries, bool regression) {
  std::map<std::string, const Entry*> ids;
  std::map<std::pair<std::string, std::string>, const Entry*> constants;
  for (const Entry& entry : entries) {
    if (!IsId(entry.id)) continue;  // reported already
    const auto [id, fresh] = ids.emplace(entry.id, &entry);
    if (!fresh) {
      Error(entry.place, "duplicate id '" + entry.id + "'; first at " + Where(id->second->place));
      continue;
    }
    const Constant name = regression ? RegressionConstant(entry.id) : ClauseConstant(entry.id);
    const auto [other, free] = constants.emplace(std::pair(name.scope, name.name), &entry);
    if (!free) {
      Error(entry.place, "'" + entry.id + "' and '" + other->second->id + "' (" +
                             Where(other->second->place) + ") would both be the constant " +
                             name.name);
    }
  }
  if (entries.size() > std::numeric_limits<std::uint16_t>::max()) {
    Error(entries.back().place, "more entries than a 16-bit index can name");
  }
}

void Catalog::CheckAll() {
  CheckNames(clauses_, false);
  CheckNames(regressions_, true);
  for (const Entry& entry : regressions_) {
    for (const std::string& id : entry.clauses) {
      if (std::ranges::find(clauses_, id, &Entry::id) == clauses_.end())
        Error(entry.place, "'" + entry.id + "' names unknown clause '" + id + "'");
    }
  }
}

}  // namespace ipcsuite::gen
