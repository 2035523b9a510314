// The result model: what one run of ipcsuite learnt, as plain values.
//
// Every writer (JSON, JUnit, CTRF, TAP, KTAP, Markdown, HTML, comparison) works from this model
// alone, and canonical JSON (reports/json.h) holds all of it, so any format can be made later from
// the file. The model knows nothing of GoogleTest. Result codes are those of IEEE 1003.3 (PASS,
// FAIL, UNRESOLVED, NOTINUSE, UNSUPPORTED, UNTESTED) and those that a comparison against
// expectations or repeats adds (XFAIL, XPASS, FLAKY).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ipcsuite::report {

enum class Verdict {
  kPass,         // every check held
  kObserved,     // the clause leaves the outcome open: an allowed one was seen and recorded
  kFail,         // a clause is violated
  kUnresolved,   // set-up failed, time-out, checker out of budget: no verdict could be earned
  kNotInUse,     // the clause belongs to another issue of the standard than the one judged for
  kUnsupported,  // an option, a privilege or an interface is absent here; `reason` says which
  kUntested,     // nothing observable happened, or no test exists
  kXfail,        // FAIL that the expectations name, with a reason
  kXpass,        // the expectations say FAIL, the platform passed: the expectation is out of date
  kFlaky,        // repeats of one test disagree (`passes` of `attempts`)
  kDisputed,  // what is violated is our reading of a clause that can be read otherwise, or unread
};
// A new verdict goes at the end: Summary is indexed by it.

// "PASS", "FAIL", ...
std::string_view ToString(Verdict verdict);
std::optional<Verdict> VerdictFromString(std::string_view text);

// True for the verdicts that make a run exit with 1: FAIL, XPASS, FLAKY (UNRESOLVED is decided by
// the caller's policy: see Summary).
bool IsRed(Verdict verdict);

// True for the verdicts that decide something: PASS, OBSERVED, FAIL, XFAIL, XPASS, FLAKY, DISPUTED.
bool IsJudged(Verdict verdict);
// PASS, OBSERVED or XPASS.
bool IsGood(Verdict verdict);

// The verdict of a clause that two tests judged: FAIL > XPASS > FLAKY > UNRESOLVED > DISPUTED >
// XFAIL > OBSERVED > PASS > UNSUPPORTED > NOTINUSE > UNTESTED.
Verdict Merge(Verdict a, Verdict b);

inline constexpr int kVerdictCount = 11;
inline constexpr Verdict kAllVerdicts[kVerdictCount] = {
    Verdict::kPass,     Verdict::kObserved,    Verdict::kFail,     Verdict::kUnresolved,
    Verdict::kNotInUse, Verdict::kUnsupported, Verdict::kUntested, Verdict::kXfail,
    Verdict::kXpass,    Verdict::kFlaky,       Verdict::kDisputed};

// One violated check, with all that a reader needs to believe it.
struct Failure {
  std::string clause;  // id of the clause violated; empty: all that the test claims
  std::string file;    // relative to the source tree
  int line = 0;
  std::string expected;  // "fails with EAGAIN (11)"
  std::string observed;  // "mq_send(q, ...) = 0"
  std::string message;   // the whole text, several lines
};

// A value seen where the standard leaves the outcome open, or a figure worth comparing.
struct Observation {
  std::string clause;  // may be empty for a fact of no clause
  std::string key;     // "capacity_bytes"; "table/NAME/ROW/COLUMN" for a cell of a table
  std::string value;   // "65536"
};

// A measured number; the unit is the suffix of the name (latency_ns_max, throughput_msg_per_s).
struct Metric {
  std::string name;
  double value = 0;
  std::vector<double> samples;  // what `value` is the median of; may be empty
};

// Something to show in the drill-down of a test.
struct Attachment {
  std::string kind;  // "text", "svg", "json"
  std::string title;
  std::string content;
};

// How many checks of a test decided a clause that it claims.
struct ClauseChecks {
  std::string clause;
  int checks = 0;
};

struct ExpectationRef {
  std::string id, reason, link, review_by;
};

struct TestRecord {
  std::string name;   // GoogleTest's full name: "MqSend.FailsWithEagainWhenFullAndNonblocking"
  std::string suite;  // folder: pipe, fifo, poll, shm, mqueue, props, stress, ...
  std::string file;
  int line = 0;
  std::vector<std::string> clauses;
  // Of a test that claims several clauses: the checks of each, none left out. Empty: every check is
  // for all of `clauses`.
  std::vector<ClauseChecks> checks;
  std::vector<std::string> regressions;  // ids of spec/regressions/*.yaml
  Verdict verdict = Verdict::kUntested;
  std::string reason;  // of UNSUPPORTED, UNRESOLVED, NOTINUSE, UNTESTED, FAIL by crash or hang
  // Of UNRESOLVED: the machine around the platform caused it (disk full, out of memory, run
  // stopped), so it says nothing about the platform and does not make the run red by itself.
  bool surroundings = false;
  std::vector<Failure> failures;
  std::vector<Observation> observations;
  std::vector<Metric> metrics;
  std::vector<std::string> evidence;  // blocked-probe lines, states of processes at a hang, notes
  std::vector<Attachment> attachments;
  // "certain" or "heuristic": whether blocking was shown or inferred from a settle time.
  std::string confidence = "certain";
  std::uint64_t seed = 0;
  std::int64_t start_ns = 0;  // since the start of the run
  std::int64_t duration_ns = 0;
  int attempts = 1;
  int passes = 0;       // attempts that were not red
  std::string command;  // one shell line that reproduces it
  std::optional<ExpectationRef> expectation;
  // Of a finding, once judged (reports/verdicts/judge.h): "new", or "known" to the expectations or
  // the baseline. "lost": the baseline has a verdict, and this is none. Empty: no finding.
  std::string standing;
};

struct ClauseRecord {
  std::string id, interface, suite, function, source, kind, level, requires_text;
  int issues = 3;                     // bit 0: Issue 7, bit 1: Issue 8
  std::string disposition;            // "tested", "observed", "untestable", "untested"
  std::string untestable;             // why
  std::string text;                   // the texts of the standard that were read for it, in words
  int issues_read = 0;                // bits as in `issues`
  std::vector<std::string> readings;  // of a disputed clause, ours first
  std::string decides;                // what would settle the dispute
  Verdict verdict = Verdict::kUntested;
  std::string reason;
  std::vector<std::string> tests;
  std::vector<Observation> observations;
  std::string confidence = "certain";
  std::string detection;  // "proven", "unproven", "no fault"; empty: unknown
};

// A verdict that the baseline has or that was required, and that this run does not give.
struct LostVerdict {
  std::string clause, test;  // one of them
  std::string before;        // result code in the baseline, or "required"
  std::string now;           // result code here, or "absent"
  std::string reason;        // of `now`
};

// What several findings or missing verdicts have in common: the same call ended in the same way.
struct Cause {
  std::string what;                  // "mkfifo: ENOSYS", "read: timed out"
  std::vector<std::string> tests;    // findings, lost ones, and those that it left UNSUPPORTED
  std::vector<std::string> clauses;  // that they violate or leave undecided
};

// One card of facts: title and ordered key-value pairs.
struct EnvironmentSection {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;
};

struct Summary {
  int tests[kVerdictCount] = {};    // by Verdict
  int clauses[kVerdictCount] = {};  // by Verdict
  int exit_status = 0;              // docs/verdicts.md: 0, 1 findings, 2 usage, 3 verdicts missing
  std::string sentence;             // the verdict in one sentence
};

struct Run {
  int schema_version = 1;
  std::string tool_version;  // version, commit, flags of the build
  std::string label;         // how the user names this platform in a comparison; default: host name
  std::string started;       // ISO 8601, UTC
  std::int64_t duration_ns = 0;
  std::string command_line;
  int issue = 8;
  std::uint64_t seed = 0;
  std::string interrupted;  // empty: complete; otherwise why results are missing
  std::string shard;        // "0/3": the part of the whole that this is; empty: all of it
  bool filtered = false;    // the user selected some of the tests
  std::vector<EnvironmentSection> environment;
  std::vector<TestRecord> tests;
  std::vector<ClauseRecord> clauses;
  std::vector<LostVerdict> lost;
  std::vector<Cause> causes;   // of two tests or more, the most frequent first
  std::string stress_json;     // result document of the stress part; empty: none
  std::string detection_json;  // detection.json folded in; empty: none
  Summary summary;
};

}  // namespace ipcsuite::report
