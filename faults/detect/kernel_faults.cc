#include "faults/detect/kernel_faults.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/files.h"
#include "base/text.h"
#include "spec/clause.h"

namespace ipcsuite::detect {
namespace {

constexpr const char* kRequired[] = {"what", "family", "difficulty", "clauses", "file", "changes"};

// The fields of the comment at the beginning.
Result<std::map<std::string, std::string>> Fields(const std::string& text) {
  std::map<std::string, std::string> fields;
  for (const std::string& line : Lines(text)) {
    if (!line.starts_with("# ")) break;
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) return Error{"'" + line + "' is not '# key: value'"};
    fields[line.substr(2, colon - 2)] = Trim(line.substr(colon + 2));
  }
  for (const char* key : kRequired) {
    if (fields[key].empty()) return Error{std::string("has no field '") + key + "'"};
  }
  for (const auto& [key, value] : fields) {
    if (key != "source" && std::ranges::find(kRequired, key) == std::end(kRequired))
      return Error{"has the unknown field '" + key + "'"};
  }
  return fields;
}

template <class Rows>
auto* FindNamed(const Rows& rows, const std::string& name) {
  const auto found = std::ranges::find_if(rows, [&](const auto& row) { return name == row.name; });
  return found == std::end(rows) ? nullptr : &*found;
}

}  // namespace

Result<Implementation> ParseKernelFault(const std::string& name, const std::string& text) {
  const auto fields = Fields(text);
  if (!fields) return Error{name + ": " + fields.error()};
  const auto field = [&](const char* key) { return fields->contains(key) ? fields->at(key) : ""; };
  const auto* const family = FindNamed(faults::kFamilies, field("family"));
  if (!family) return Error{name + ": unknown family '" + field("family") + "'"};
  const auto* const difficulty = FindNamed(faults::kDifficulties, field("difficulty"));
  if (!difficulty) return Error{name + ": unknown difficulty '" + field("difficulty") + "'"};
  Implementation fault;
  fault.name = name;
  fault.family = family->family;
  fault.difficulty = difficulty->difficulty;
  fault.what = field("what");
  fault.source = field("source");
  fault.file = field("file");
  for (const std::string& id : Split(field("clauses"), ", ")) {
    const Clause* const clause = Find(id);
    if (!clause) return Error{name + ": unknown clause '" + id + "'"};
    fault.clauses.push_back(RefOf(*clause));
  }
  return fault;
}

Result<std::vector<Implementation>> LoadKernelFaults(const std::string& folder) {
  std::vector<Implementation> faults;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".sed") continue;
    const auto text = ReadFile(entry.path().string());
    if (!text) return Error{text.error()};
    auto fault = ParseKernelFault(entry.path().stem().string(), *text);
    if (!fault) return Error{folder + "/" + fault.error()};
    faults.push_back(std::move(*fault));
  }
  if (faults.empty()) return Error{folder + " has no faults: faults/kernel/build makes it"};
  std::ranges::sort(faults, {}, &Implementation::name);
  return faults;
}

}  // namespace ipcsuite::detect
