#include "reports/json.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include <sys/stat.h>

#include <nlohmann/json.hpp>

namespace ipcsuite::report {
namespace {

using Json = nlohmann::ordered_json;

// One description of each struct serves both directions: an archive is a Writer or a Reader, and
// Describe() names the fields once.
class Writer {
 public:
  explicit Writer(Json* out) : out_(*out) { out_ = Json::object(); }

  template <typename T>
  void Field(const char* key, const T& value, const T& fallback = T{}) {
    if constexpr (std::is_floating_point_v<T>) {
      out_[key] = value;
    } else {
      if (!(value == fallback)) out_[key] = value;
    }
  }
  void Seed(const char* key, const std::uint64_t& value) {
    // A string: many JSON readers keep only 53 bits of a number.
    if (value != 0) out_[key] = std::to_string(value);
  }
  void Code(const char* key, const Verdict& value) { out_[key] = ToString(value); }
  template <typename T, typename F>
  void List(const char* key, const std::vector<T>& items, F describe) {
    if (items.empty()) return;
    Json list = Json::array();
    for (const T& item : items) {
      Json one;
      Writer writer(&one);
      describe(writer, item);
      list.push_back(std::move(one));
    }
    out_[key] = std::move(list);
  }
  template <typename T, typename F>
  void Optional(const char* key, const std::optional<T>& item, F describe) {
    if (!item) return;
    Writer writer(&out_[key]);
    describe(writer, *item);
  }
  void Pairs(const char* key, const std::vector<std::pair<std::string, std::string>>& pairs) {
    Json list = Json::array();
    for (const auto& [name, value] : pairs) list.push_back({name, value});
    out_[key] = std::move(list);
  }
  void Document(const char* key, const std::string& text) {
    if (text.empty()) return;
    Json parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    out_[key] = parsed.is_discarded() ? Json(text) : std::move(parsed);
  }
  void Counts(const char* key, const int (&counts)[kVerdictCount]) {
    Json object = Json::object();
    for (Verdict v : kAllVerdicts) object[std::string(ToString(v))] = counts[static_cast<int>(v)];
    out_[key] = std::move(object);
  }

 private:
  Json& out_;
};

class Reader {
 public:
  Reader(const Json& in, std::string where) : in_(in), where_(std::move(where)) {
    if (!in_.is_object()) Wrong("an object");
  }

  template <typename T>
  void Field(const char* key, T& value, const T& fallback = T{}) {
    const auto found = in_.find(key);
    if (found == in_.end()) {
      value = fallback;
      return;
    }
    if constexpr (std::is_floating_point_v<T>) {
      // JSON has no NaN: it is written as null.
      if (found->is_null()) {
        value = std::numeric_limits<T>::quiet_NaN();
        return;
      }
    }
    Get(*found, key, value);
  }
  void Seed(const char* key, std::uint64_t& value) {
    const auto found = in_.find(key);
    if (found == in_.end()) return;
    if (found->is_number_unsigned()) {
      value = found->get<std::uint64_t>();
      return;
    }
    std::string text;
    Get(*found, key, text);
    char* end = nullptr;
    errno = 0;
    value = std::strtoull(text.c_str(), &end, 10);
    if (errno != 0 || text.empty() || *end != '\0') Wrong("an unsigned 64-bit number", key);
  }
  void Code(const char* key, Verdict& value) {
    std::string text;
    Field(key, text);
    const auto code = VerdictFromString(text);
    if (!code) Wrong("a result code, not \"" + text + "\"", key);
    value = *code;
  }
  template <typename T, typename F>
  void List(const char* key, std::vector<T>& items, F describe) {
    const auto found = in_.find(key);
    if (found == in_.end()) return;
    if (!found->is_array()) Wrong("a list", key);
    items.clear();
    items.reserve(found->size());
    for (const Json& one : *found) {
      Reader reader(one, where_ + "/" + key + "/" + std::to_string(items.size()));
      describe(reader, items.emplace_back());
    }
  }
  template <typename T, typename F>
  void Optional(const char* key, std::optional<T>& item, F describe) {
    const auto found = in_.find(key);
    if (found == in_.end()) return;
    Reader reader(*found, where_ + "/" + key);
    describe(reader, item.emplace());
  }
  void Pairs(const char* key, std::vector<std::pair<std::string, std::string>>& pairs) {
    const auto found = in_.find(key);
    if (found == in_.end()) return;
    Get(*found, key, pairs);
  }
  void Document(const char* key, std::string& text) {
    const auto found = in_.find(key);
    if (found == in_.end()) return;
    text = found->is_string() ? found->get<std::string>()
                              : found->dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  void Counts(const char* key, int (&counts)[kVerdictCount]) {
    const auto found = in_.find(key);
    if (found == in_.end()) return;
    Reader reader(*found, where_ + "/" + key);
    for (Verdict v : kAllVerdicts) {
      reader.Field(std::string(ToString(v)).c_str(), counts[static_cast<int>(v)]);
    }
  }

 private:
  template <typename T>
  void Get(const Json& from, const char* key, T& value) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (!from.is_number_integer()) Wrong("an integer", key);
    } else if constexpr (std::is_floating_point_v<T>) {
      if (!from.is_number()) Wrong("a number", key);
    } else if constexpr (std::is_same_v<T, std::vector<double>>) {
      if (!from.is_array()) Wrong("a list", key);
      for (const Json& one : from) {
        value.push_back(one.is_number() ? one.get<double>()
                                        : std::numeric_limits<double>::quiet_NaN());
      }
      return;
    }
    try {
      value = from.get<T>();
    } catch (const nlohmann::json::exception&) {
      Wrong(std::is_same_v<T, std::string> ? "a text" : std::is_same_v<T, bool> ? "true or false"
                                                                                : "a list of texts",
            key);
    }
  }
  [[noreturn]] void Wrong(const std::string& wanted, const char* key = nullptr) const {
    throw std::runtime_error("at " + (where_.empty() && !key ? std::string("the top") : where_) +
                             (key ? std::string("/") + key : std::string()) + ": expected " +
                             wanted);
  }

  const Json& in_;
  std::string where_;
};

// A Writer sees const structs, a Reader mutable ones.
template <typename A, typename S>
void DescribeFailure(A& a, S& s) {
  a.Field("clause", s.clause);
  a.Field("file", s.file);
  a.Field("line", s.line);
  a.Field("expected", s.expected);
  a.Field("observed", s.observed);
  a.Field("message", s.message);
}

template <typename A, typename S>
void DescribeObservation(A& a, S& s) {
  a.Field("clause", s.clause);
  a.Field("key", s.key);
  a.Field("value", s.value);
}

template <typename A, typename S>
void DescribeMetric(A& a, S& s) {
  a.Field("name", s.name);
  a.Field("value", s.value);
  a.Field("samples", s.samples);
}

template <typename A, typename S>
void DescribeAttachment(A& a, S& s) {
  a.Field("kind", s.kind);
  a.Field("title", s.title);
  a.Field("content", s.content);
}

template <typename A, typename S>
void DescribeExpectation(A& a, S& s) {
  a.Field("id", s.id);
  a.Field("reason", s.reason);
  a.Field("link", s.link);
  a.Field("review_by", s.review_by);
}

template <typename A, typename S>
void DescribeTest(A& a, S& s) {
  a.Field("name", s.name);
  a.Field("suite", s.suite);
  a.Field("file", s.file);
  a.Field("line", s.line);
  a.Code("verdict", s.verdict);
  a.Field("reason", s.reason);
  a.Field("surroundings", s.surroundings);
  a.Field("clauses", s.clauses);
  a.Field("regressions", s.regressions);
  a.List("failures", s.failures, [](auto& x, auto& y) { DescribeFailure(x, y); });
  a.List("observations", s.observations, [](auto& x, auto& y) { DescribeObservation(x, y); });
  a.List("metrics", s.metrics, [](auto& x, auto& y) { DescribeMetric(x, y); });
  a.Field("evidence", s.evidence);
  a.List("attachments", s.attachments, [](auto& x, auto& y) { DescribeAttachment(x, y); });
  a.Field("confidence", s.confidence, std::string("certain"));
  a.Seed("seed", s.seed);
  a.Field("start_ns", s.start_ns);
  a.Field("duration_ns", s.duration_ns);
  a.Field("attempts", s.attempts, 1);
  a.Field("passes", s.passes);
  a.Field("command", s.command);
  a.Optional("expectation", s.expectation, [](auto& x, auto& y) { DescribeExpectation(x, y); });
}

template <typename A, typename S>
void DescribeClause(A& a, S& s) {
  a.Field("id", s.id);
  a.Field("interface", s.interface);
  a.Field("suite", s.suite);
  a.Field("function", s.function);
  a.Field("source", s.source);
  a.Field("kind", s.kind);
  a.Field("level", s.level);
  a.Field("requires", s.requires_text);
  a.Field("issues", s.issues, 3);
  a.Field("disposition", s.disposition);
  a.Field("untestable", s.untestable);
  a.Code("verdict", s.verdict);
  a.Field("reason", s.reason);
  a.Field("tests", s.tests);
  a.List("observations", s.observations, [](auto& x, auto& y) { DescribeObservation(x, y); });
  a.Field("confidence", s.confidence, std::string("certain"));
  a.Field("detection", s.detection);
}

template <typename A, typename S>
void DescribeSection(A& a, S& s) {
  a.Field("title", s.title);
  a.Pairs("facts", s.facts);
}

template <typename A, typename S>
void DescribeSummary(A& a, S& s) {
  a.Counts("tests", s.tests);
  a.Counts("clauses", s.clauses);
  a.Field("exit_status", s.exit_status, -1);
  a.Field("sentence", s.sentence);
}

template <typename A, typename S>
void DescribeRun(A& a, S& s) {
  a.Field("tool_version", s.tool_version);
  a.Field("label", s.label);
  a.Field("started", s.started);
  a.Field("duration_ns", s.duration_ns);
  a.Field("command_line", s.command_line);
  a.Field("issue", s.issue);
  a.Seed("seed", s.seed);
  a.Field("interrupted", s.interrupted);
  std::optional<std::remove_const_t<decltype(s.summary)>> summary;
  if constexpr (std::is_const_v<S>) summary = s.summary;
  a.Optional("summary", summary, [](auto& x, auto& y) { DescribeSummary(x, y); });
  if constexpr (!std::is_const_v<S>) {
    if (summary) s.summary = *summary;
  }
  a.List("environment", s.environment, [](auto& x, auto& y) { DescribeSection(x, y); });
  a.List("tests", s.tests, [](auto& x, auto& y) { DescribeTest(x, y); });
  a.List("clauses", s.clauses, [](auto& x, auto& y) { DescribeClause(x, y); });
  a.Document("stress", s.stress_json);
  a.Document("detection", s.detection_json);
}

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

void Say(std::string* error, std::string line) {
  if (error != nullptr) *error = std::move(line);
}

// What the parser disliked, in words for somebody who has a file and not our source.
std::string ParseComplaint(std::string_view text, const nlohmann::json::parse_error& error) {
  const auto last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) return "is empty";
  // The parser reports the byte after the last it read.
  if (error.byte > last + 1 || text[last] != '}') {
    return "is truncated: the JSON ends in the middle, after " + std::to_string(text.size()) +
           " bytes";
  }
  return "is not valid JSON: error at byte " + std::to_string(error.byte);
}

void CheckIsRun(const Json& json) {
  if (!json.is_object() || !json.contains("ipcsuite_schema_version")) {
    throw std::runtime_error("is not an ipcsuite result (no ipcsuite_schema_version)");
  }
  const Json& version = json["ipcsuite_schema_version"];
  if (!version.is_number_integer()) {
    throw std::runtime_error("at /ipcsuite_schema_version: expected an integer");
  }
  if (version.get<std::int64_t>() > kSchemaVersion) {
    throw std::runtime_error("has schema version " + version.dump() + ", and this ipcsuite reads up to " +
                             std::to_string(kSchemaVersion) + ": use a newer ipcsuite");
  }
  if (version.get<std::int64_t>() < 1) {
    throw std::runtime_error("has the impossible schema version " + version.dump());
  }
}

}  // namespace

std::string ToJsonLine(const TestRecord& test) {
  Json json;
  Writer writer(&json);
  DescribeTest(writer, test);
  return Dump(json, -1);
}

std::optional<TestRecord> TestFromJsonLine(std::string_view line, std::string* error) {
  try {
    const Json json = Json::parse(line);
    Reader reader(json, "");
    TestRecord test;
    DescribeTest(reader, test);
    return test;
  } catch (const nlohmann::json::parse_error& e) {
    Say(error, ParseComplaint(line, e));
  } catch (const std::exception& e) {
    Say(error, e.what());
  }
  return std::nullopt;
}

std::string ToJson(const Run& run) {
  Json json;
  Writer writer(&json);
  json["ipcsuite_schema_version"] = run.schema_version;
  DescribeRun(writer, run);
  return Dump(json, 1) + "\n";
}

std::optional<Run> RunFromJson(std::string_view text, std::string* error) {
  try {
    const Json json = Json::parse(text);
    CheckIsRun(json);
    Run run;
    run.schema_version = json["ipcsuite_schema_version"].get<int>();
    Reader reader(json, "");
    DescribeRun(reader, run);
    return run;
  } catch (const nlohmann::json::parse_error& e) {
    Say(error, ParseComplaint(text, e));
  } catch (const std::exception& e) {
    Say(error, e.what());
  }
  return std::nullopt;
}

std::optional<Run> ReadRun(const std::string& path, std::string* error) {
  const auto text = ReadFile(path, error);
  if (!text) return std::nullopt;
  std::string why;
  auto run = RunFromJson(*text, &why);
  if (!run) Say(error, path + " " + why);
  return run;
}

std::optional<std::string> ReadFile(const std::string& path, std::string* error) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    Say(error, path + ": cannot be read: " + std::strerror(errno));
    return std::nullopt;
  }
  if (S_ISDIR(status.st_mode)) {
    Say(error, path + ": is a folder, not a file");
    return std::nullopt;
  }
  if (status.st_size > kMaxResultBytes) {
    Say(error, path + ": is larger than " + std::to_string(kMaxResultBytes) + " bytes: not read");
    return std::nullopt;
  }
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    Say(error, path + ": cannot be read: " + std::strerror(errno));
    return std::nullopt;
  }
  std::string text;
  char buffer[65536];
  std::size_t got = 0;
  while ((got = std::fread(buffer, 1, sizeof buffer, file)) > 0) {
    text.append(buffer, got);
    if (static_cast<long>(text.size()) > kMaxResultBytes) break;
  }
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed || static_cast<long>(text.size()) > kMaxResultBytes) {
    Say(error, path + (failed ? ": reading failed" : ": is too large: not read whole"));
    return std::nullopt;
  }
  return text;
}

}  // namespace ipcsuite::report
