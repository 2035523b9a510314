#include "spec/clause.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "spec/tables.h"

namespace ipcsuite {
namespace {

constexpr std::array<std::pair<Kind, std::string_view>, 7> kKindNames = {{
    {Kind::kShall, "shall"},
    {Kind::kShallError, "shall-error"},
    {Kind::kLimit, "limit"},
    {Kind::kMayError, "may-error"},
    {Kind::kShould, "should"},
    {Kind::kUnspecified, "unspecified"},
    {Kind::kImplementationDefined, "implementation-defined"},
}};

// Interfaces whose suite has another name.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kSuites = {{
    {"pipe_io", "pipe"},
    {"pipe_attr", "pipe"},
    {"pipe_poll", "poll"},
}};

template <typename Entry>
const Entry* FindById(std::span<const Entry> entries, std::span<const std::uint16_t> order,
                      std::string_view id) {
  const auto at = std::ranges::lower_bound(order, id, {},
                                           [&](std::uint16_t index) { return entries[index].id; });
  return at != order.end() && entries[*at].id == id ? &entries[*at] : nullptr;
}

template <typename Entry>
const Entry& Known(const Entry* entry, std::string_view id) {
  if (!entry) {
    std::fprintf(stderr, "'%.*s' is not in the catalogue\n", static_cast<int>(id.size()),
                 id.data());
    std::abort();
  }
  return *entry;
}

}  // namespace

std::string_view ToString(Kind kind) { return kKindNames[static_cast<std::size_t>(kind)].second; }

std::optional<Kind> KindFromString(std::string_view name) {
  for (const auto& [kind, text] : kKindNames) {
    if (text == name) return kind;
  }
  return std::nullopt;
}

std::span<const Kind> AllKinds() {
  static constexpr std::array<Kind, 7> kKinds = {
      Kind::kShall,       Kind::kShallError,           Kind::kLimit, Kind::kMayError, Kind::kShould,
      Kind::kUnspecified, Kind::kImplementationDefined};
  return kKinds;
}

std::span<const Clause> AllClauses() { return tables::Clauses(); }

const Clause& Get(ClauseRef ref) { return Known(Find(ref.id), ref.id); }

const Clause* Find(std::string_view id) {
  return FindById(tables::Clauses(), tables::ClausesById(), id);
}

std::string_view SuiteOf(const Clause& clause) {
  for (const auto& [interface, suite] : kSuites) {
    if (interface == clause.interface) return suite;
  }
  return clause.interface;
}

std::string TextRead(const Clause& clause) {
  std::string words;
  const auto add = [&](unsigned bit, const char* name) {
    if ((clause.text & bit) != 0) words += (words.empty() ? "" : ", ") + std::string(name);
  };
  add(kReadIssue7, "Issue 7 (2016 edition)");
  add(kReadIssue8, "Issue 8");
  add(kReadTranscription, "Issue 8 (transcription)");
  return words.empty() ? "unread" : words;
}

std::span<const Regression> AllRegressions() { return tables::Regressions(); }

const Regression& Get(RegressionRef ref) { return Known(FindRegression(ref.id), ref.id); }

const Regression* FindRegression(std::string_view id) {
  return FindById(tables::Regressions(), tables::RegressionsById(), id);
}

}  // namespace ipcsuite
