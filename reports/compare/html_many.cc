#include "reports/compare/html_many.h"

#include <algorithm>

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
    out += "<span class=\"set\">" + show(group.value) + " " +
           Names(group, &group == &groups.back(), labels.size()) + "</span> ";
  }
  return out;
}

std::string Glance(const Comparison& c, const std::vector<Run>& runs) {
  std::string out =
      "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Platforms\"><table "
      "class=\"grid\"><caption>Platforms</caption><thead><tr>";
  for (const char* head :
       {"Platform", "Tests", "Kernel", "Machine", "C library", "User", "Start", "In all"}) {
    out += "<th scope=\"col\">" + std::string(head) + "</th>";
  }
  out += "</tr></thead><tbody>";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto fact = [&](const char* key) { return Escape(Fact(runs[i], key)); };
    const std::string container = Fact(runs[i], "container"), emulator = Fact(runs[i], "emulator"),
                      bits = Fact(runs[i], "bits");
    std::string machine =
        fact("arch") + (bits.empty() || bits == "64" ? "" : ", " + Escape(bits) + " bits");
    if (!emulator.empty() && emulator != "none") machine += ", " + Escape(emulator);
    out += "<tr><th scope=\"row\">" + Escape(c.labels[i]) + "</th><td>" +
           Escape(CountsText(runs[i].summary.tests)) + "</td><td>" + fact("os") + " " +
           fact("kernel") +
           (container.empty() || container == "none" ? "" : ", container " + Escape(container)) +
           "</td><td>" + machine + "</td><td>" + fact("libc") + " " + fact("libc_version") +
           (Fact(runs[i], "linked") == "statically" ? " (static)" : "") + "</td><td>" +
           fact("uid") + "</td><td class=\"n\">" + fact("time_to_start") + "</td><td class=\"n\">" +
           fact("time_in_all") + "</td></tr>";
  }
  return out + "</tbody></table></div>\n";
}

}  // namespace ipcsuite::report::html
