#include "reports/results/json.h"

#include <map>
#include <optional>
#include <stdexcept>
#include <type_traits>

#include "base/files.h"
#include "base/text.h"
#include "reports/results/json_archive.h"

namespace ipcsuite::report {
namespace {

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
  a.List("checks", s.checks, [](auto& x, auto& y) {
    x.Field("clause", y.clause);
    x.Field("checks", y.checks);
  });
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
  a.Field("standing", s.standing);
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
  a.Field("text", s.text);
  a.Field("issues_read", s.issues_read);
  a.Field("readings", s.readings);
  a.Field("decides", s.decides);
  a.Code("verdict", s.verdict);
  a.Field("reason", s.reason);
  a.Field("tests", s.tests);
  a.List("observations", s.observations, [](auto& x, auto& y) { DescribeObservation(x, y); });
  a.Field("confidence", s.confidence, std::string("certain"));
  a.Field("detection", s.detection);
}

template <typename A, typename S>
void DescribeLost(A& a, S& s) {
  a.Field("clause", s.clause);
  a.Field("test", s.test);
  a.Field("before", s.before);
  a.Field("now", s.now);
  a.Field("reason", s.reason);
}

template <typename A, typename S>
void DescribeCause(A& a, S& s) {
  a.Field("what", s.what);
  a.Field("tests", s.tests);
  a.Field("clauses", s.clauses);
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
  a.Field("shard", s.shard);
  a.Field("filtered", s.filtered);
  std::optional<std::remove_const_t<decltype(s.summary)>> summary;
  if constexpr (std::is_const_v<S>) summary = s.summary;
  a.Optional("summary", summary, [](auto& x, auto& y) { DescribeSummary(x, y); });
  if constexpr (!std::is_const_v<S>) {
    if (summary) s.summary = *summary;
  }
  a.List("environment", s.environment, [](auto& x, auto& y) { DescribeSection(x, y); });
  a.List("tests", s.tests, [](auto& x, auto& y) { DescribeTest(x, y); });
  a.List("clauses", s.clauses, [](auto& x, auto& y) { DescribeClause(x, y); });
  a.List("lost", s.lost, [](auto& x, auto& y) { DescribeLost(x, y); });
  a.List("causes", s.causes, [](auto& x, auto& y) { DescribeCause(x, y); });
  a.Document("stress", s.stress_json);
  a.Document("detection", s.detection_json);
}

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

// What the parser disliked, in words for somebody who has a file and not our source.
std::string ParseComplaint(std::string_view text, const nlohmann::json::parse_error& error) {
  const auto last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) return "is empty";
  const char first = text[text.find_first_not_of(" \t\r\n")];
  if (first != '{' && first != '[') return "is not JSON";
  // The parser reports the byte after the last it read.
  if (error.byte > last + 1 || text[last] != '}') {
    return "is truncated: the JSON ends in the middle, after " + std::to_string(text.size()) +
           " bytes";
  }
  return "is not valid JSON: error at byte " + std::to_string(error.byte);
}

constexpr const char* kBrokenOff = "the run ended before it wrote its results";

// results.jsonl: the first line is the record of a test, or a header before one.
bool IsLines(std::string_view text) {
  const std::string_view record = "{\"name\":";
  const std::size_t second = text.find('\n');
  return text.starts_with(record) ||
         (second != text.npos && text.substr(second + 1).starts_with(record));
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
    throw std::runtime_error("has schema version " + version.dump() +
                             ", and this ipcsuite reads up to " + std::to_string(kSchemaVersion) +
                             ": use a newer ipcsuite");
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

Result<TestRecord> TestFromJsonLine(std::string_view line) {
  try {
    const Json json = Json::parse(line);
    Reader reader(json, "");
    TestRecord test;
    DescribeTest(reader, test);
    return test;
  } catch (const nlohmann::json::parse_error& e) {
    return Error{ParseComplaint(line, e)};
  } catch (const std::exception& e) {
    return Error{e.what()};
  }
}

std::string ToJson(const Run& run) {
  Json json;
  Writer writer(&json);
  json["ipcsuite_schema_version"] = run.schema_version;
  DescribeRun(writer, run);
  return Dump(json, 1) + "\n";
}

Run WithoutResults(const Run& run) {
  Run bare = run;
  bare.tests.clear();
  std::vector<ClauseRecord> named(run.clauses.size());
  for (std::size_t i = 0; i < named.size(); ++i) named[i].id = run.clauses[i].id;
  bare.clauses = std::move(named);
  return bare;
}

std::string ToJsonHeader(const Run& run) {
  Run header = WithoutResults(run);
  header.interrupted = kBrokenOff;
  Json json;
  Writer writer(&json);
  json["ipcsuite_schema_version"] = header.schema_version;
  DescribeRun(writer, header);
  return Dump(json, -1);
}

Result<Run> RunFromJson(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    CheckIsRun(json);
    Run run;
    run.schema_version = json["ipcsuite_schema_version"].get<int>();
    Reader reader(json, "");
    DescribeRun(reader, run);
    return run;
  } catch (const nlohmann::json::parse_error& e) {
    return Error{ParseComplaint(text, e)};
  } catch (const std::exception& e) {
    return Error{e.what()};
  }
}

Result<Run> RunFromJsonLines(std::string_view text) {
  Run run;
  run.interrupted = kBrokenOff;
  std::map<std::string, std::size_t> index;
  const auto lines = Lines(text);
  std::size_t i = 0;
  if (!lines.empty() && lines[0].starts_with("{\"ipcsuite_schema_version\"")) {
    auto header = RunFromJson(lines[i++]);
    if (!header) return header;
    run = std::move(*header);
  }
  for (; i < lines.size(); ++i) {
    auto test = TestFromJsonLine(lines[i]);
    if (!test && i + 1 == lines.size()) break;
    if (!test) return Error{"line " + std::to_string(i + 1) + " " + test.error()};
    const auto [at, added] = index.emplace(test->name, run.tests.size());
    if (added) {
      run.tests.push_back(std::move(*test));
    } else {
      run.tests[at->second] = std::move(*test);
    }
  }
  return run;
}

Result<Run> ReadRun(const std::string& path) {
  const auto text = ReadFile(path);
  if (!text) return Error{text.error()};
  auto run = IsLines(*text) ? RunFromJsonLines(*text) : RunFromJson(*text);
  if (!run) return Error{path + ": " + run.error()};
  return run;
}

}  // namespace ipcsuite::report
