// The judging pipeline: results and options in, a judged run out, the same for every command.
//
//   const auto judge = Judge::Load(options);            // before anything is measured
//   if (!judge) return Complain(judge.error());
//   const Run run = judge->Apply(std::move(raw), CatalogueOf(raw));
//   return judge->ExitStatus(run);
//
// Expectations, verdicts of clauses, detection, the comparison with a baseline, required verdicts,
// then the standing of each finding, the sentence and the exit status: every writer shows them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "reports/results/model.h"
#include "reports/verdicts/expectations.h"

namespace CLI {
class App;
}

namespace ipcsuite::report {

struct JudgingOptions {
  std::vector<std::string> expect;  // files of expectations, besides the shipped ones
  bool no_default_expectations = false;
  // What judged results say of expectations stays, unless one of the above is given.
  bool keep_expectations = false;
  std::string baseline;              // earlier results.json
  std::vector<std::string> require;  // "all", a suite, an interface, "clause:PATTERN"
  std::vector<std::string> fail_on;  // see GateNames(); empty: the default
  std::string detection;             // detection.json
  bool bisect = false;
};

// --fail-on, with `standard` as the words for its default, and --bisect.
void AddGateOptions(CLI::App& app, const char* standard, std::vector<std::string>& fail_on,
                    bool& bisect);

// --expect, --no-default-expectations, --baseline, --require, --fail-on, --bisect.
void AddJudgingOptions(CLI::App& app, JudgingOptions& options);

// What makes a run or a comparison red.
struct Gate {
  bool findings = false, regressions = false, lost_coverage = false, any_difference = false;
};
// "findings", "regressions", "lost-coverage", "any-difference", "nothing" of --fail-on.
const std::vector<std::string>& GateNames();
Gate GateOf(const std::vector<std::string>& names);

// The same kind of platform: system, machine, C library and emulator. A verdict that one kind gives
// and another does not is a difference, not a loss.
bool SameKind(const Run& a, const Run& b);

// FAIL, FLAKY, or UNRESOLVED that neither the surroundings nor an expectation explain.
bool IsFinding(const TestRecord& test);

// The run's clauses, or those of the suites of its tests, without verdicts. Where the run has only
// the ids of its clauses, the catalogue has the rest.
std::vector<ClauseRecord> CatalogueOf(const Run& run);

class Judge {
 public:
  // Reads and checks all that the options name.
  static Result<Judge> Load(const JudgingOptions& options);

  // Judges results of this program, of another machine, or of an earlier judgement: judging twice
  // changes nothing.
  Run Apply(Run run, std::vector<ClauseRecord> catalogue) const;

  // True if the expectations explain it: a red result that --until-fail does not stop at.
  bool Expects(const TestRecord& test, const std::vector<EnvironmentSection>& environment) const;

  // That of the judged run: docs/verdicts.md; with --bisect, what `git bisect run` wants.
  int ExitStatus(const Run& run) const;

 private:
  void CompareWithBaseline(Run& run) const;
  void Require(Run& run) const;
  int Status(const Run& run) const;

  JudgingOptions options_;
  Gate gate_;
  std::vector<Expectation> expectations_;
  std::optional<Run> baseline_;
  std::string detection_;
};

// 0 and 1 stay; 2 and 3 become 125, which `git bisect run` takes for "skip this commit".
int BisectStatus(int status);

}  // namespace ipcsuite::report
