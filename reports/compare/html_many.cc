#include "reports/compare/html_many.h"

#include <algorithm>

#include "base/text.h"
#include "reports/page/html_parts.h"
#include "reports/results/text.h"

namespace ipcsuite::report::html {
namespace {

struct Group {
  std::string value;
  std::vector<std::string> labels;
};

std::string Names(const Group& group, bool last, std::size_t all) {
  if (group.labels.size() == all) return "all " + std::to_string(all);
  if (last && group.labels.size() > 3) return "the other " + std::to_string(group.labels.size());
  std::string names;
  for (const auto& label : group.labels) names += (names.empty() ? "" : ", ") + Escape(label);
  return names;
}

}  // namespace

bool Many(const Comparison& c) { return c.labels.size() > kMostColumns; }

std::string BadgeOrWord(const std::string& value) {
  const auto verdict = VerdictFromString(value);
  return verdict ? Badge(*verdict) : value.empty() ? Tag("absent") : Code(Shorten(value, 500));
}

std::string Groups(const std::vector<std::string>& labels, const std::vector<std::string>& values,
                   const std::function<std::string(const std::string&)>& show) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto found = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& g) { return g.value == values[i]; });
    if (found == groups.end()) found = groups.insert(groups.end(), {values[i], {}});
    found->labels.push_back(labels[i]);
  }
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return a.labels.size() < b.labels.size();
  });
  std::string out;
  for (const Group& group : groups) {
    out += Styled("span", "set")
               .Add(show(group.value) + " ")
               .Add(Names(group, &group == &groups.back(), labels.size()))
               .str() +
           " ";
  }
  return out;
}

std::string Glance(const Comparison& c, const std::vector<Run>& runs) {
  Table table("Platforms",
              {"Platform", "Tests", "Kernel", "Machine", "C library", "User", "Start#", "In all#"});
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto fact = [&](const char* key) { return Escape(Fact(runs[i], key)); };
    const auto unless = [&](const char* key, std::string_view plain, const std::string& before) {
      const std::string value = Fact(runs[i], key);
      return value.empty() || value == plain ? "" : before + Escape(value);
    };
    const std::string bits = unless("bits", "64", ", ");
    table.Row(
        {Escape(c.labels[i]),
         Escape(CountsText(runs[i].summary.tests)),
         fact("os") + " " + fact("kernel") + unless("container", "none", ", container "),
         fact("arch") + bits + (bits.empty() ? "" : " bits") + unless("emulator", "none", ", "),
         fact("libc") + " " + fact("libc_version") +
             (Fact(runs[i], "linked") == "statically" ? " (static)" : ""),
         fact("uid"),
         {fact("time_to_start"), "n"},
         {fact("time_in_all"), "n"}});
  }
  return table.str();
}

}  // namespace ipcsuite::report::html
