#include "repro/command.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "base/args.h"
#include "base/files.h"
#include "harness/runner/runner.h"
#include "reports/results/finding.h"
#include "reports/verdicts/expectations.h"
#include "repro/program.h"

namespace ipcsuite::repro {
namespace {

std::vector<std::string> Matching(const std::vector<std::string>& patterns) {
  std::vector<std::string> names;
  for (const TestEntry& test : AllTests()) {
    const bool matches = std::ranges::any_of(patterns, [&](const std::string& pattern) {
      return report::GlobMatches(pattern, test.name);
    });
    if (matches) names.push_back(test.name);
  }
  return names;
}

// The tests that a name means: one by its name or definition, those of a pattern, those of an
// expectation.
std::vector<std::string> TestsOf(const std::string& name) {
  for (const TestEntry& test : AllTests()) {
    if (test.name == name || test.meta->name == name) return {test.name};
  }
  std::vector<report::Expectation> expectations;
  if (!report::DefaultExpectations(&expectations)) return Matching({name});
  for (const report::Expectation& entry : expectations) {
    if (entry.id == name) return Matching(entry.tests);
  }
  return Matching({name});
}

// Runs the test; its program or why there is none.
Result<std::string> ProgramOf(const std::string& test, const std::string& results) {
  RunnerOptions options;
  options.filter = test;
  options.jobs = 1;
  options.results_path = results;
  options.inspect = AttachAny;
  try {
    for (const report::TestRecord& record : RunTests(options).tests) {
      if (const auto* program = report::FindAttachment(record, report::kProgramTitle))
        return program->content;
      if (const auto* why = report::FindAttachment(record, report::kNoProgramTitle))
        return Error{test + ": " + why->content};
      return Error{test + ": it did not run: " + record.reason};
    }
  } catch (const std::system_error& e) {
    return Error{std::string("no test can run here: ") + e.what()};
  }
  return Error{test + ": it did not run"};
}

}  // namespace

void AttachAny(const Slot& slot, const TestEntry& test, report::TestRecord& record) {
  const Result<std::string> program = WriteProgram(slot, test, record);
  const std::string_view title = program ? report::kProgramTitle : report::kNoProgramTitle;
  record.attachments.push_back({"text", std::string(title), program ? *program : program.error()});
}

void AttachProgram(const Slot& slot, const TestEntry& test, report::TestRecord& record) {
  const report::Verdict verdict = record.verdict;
  if (verdict == report::Verdict::kFail || verdict == report::Verdict::kDisputed)
    AttachAny(slot, test, record);
}

Result<void> WritePrograms(const report::Run& run, bool all, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Error{folder + ": can't be made: " + error.message()};
  for (const report::TestRecord& test : run.tests) {
    if (!all && test.standing != "new") continue;
    const report::Attachment* program = report::FindAttachment(test, report::kProgramTitle);
    if (!program) continue;
    std::string name = test.name + ".c";
    std::ranges::replace(name, '/', '-');
    const Result<void> written = WriteFile(folder + "/" + name, program->content);
    if (!written) return written;
  }
  return {};
}

int ReproMain(int argc, char** argv) {
  CLI::App app(
      "Runs a test once and writes what it did as a C program that needs libc alone: its exit "
      "status is 0 if the platform conforms, 1 if it deviates, 77 if that can't be told.",
      "ipcsuite repro");
  std::string name, out = "-";
  app.add_option("TEST|EXPECTATION", name,
                 "Name of a test, a pattern, or id of an expectation: the first test that can be "
                 "written as a program")
      ->required();
  app.add_option("--out", out, "File to write; - is standard output")->type_name("FILE.c");
  std::vector<std::string> tests;
  const int status = ParseArguments(app, argc, argv, [&] {
    tests = TestsOf(name);
    return tests.empty() ? Complain("'" + name +
                                    "' is neither a test nor an expectation: see `ipcsuite list "
                                    "--tests`")
                         : -1;
  });
  if (status >= 0) return status;
  std::string why;
  for (const std::string& test : tests) {
    const Result<std::string> program = ProgramOf(test, "");
    if (!program) {
      why += (why.empty() ? "" : "\n") + program.error();
      continue;
    }
    if (out == "-") return std::fputs(program->c_str(), stdout) < 0 ? 2 : 0;
    const Result<void> written = WriteFile(out, *program);
    return written ? 0 : Complain(written.error());
  }
  std::fprintf(stderr, "%s\n", why.c_str());
  return 1;
}

}  // namespace ipcsuite::repro
