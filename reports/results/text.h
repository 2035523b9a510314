// Small helpers that several writers share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/markup.h"
#include "base/text.h"
#include "reports/results/model.h"

namespace ipcsuite::report {

// DurationText() of a recorded figure.
std::string Duration(std::int64_t ns);

// A mark beside the word, so that colour is never alone: "\u2713" for PASS, ...
std::string_view Symbol(Verdict verdict);

// What the code means, in a few words for somebody who does not know it.
std::string_view Meaning(Verdict verdict);

// "612 PASS, 40 OBSERVED, 1 FAIL": those that are not 0, findings first.
std::string CountsText(const int (&counts)[kVerdictCount]);

// The order in which codes are shown: findings first.
const std::vector<Verdict>& ReadingOrder();

// FAIL, XPASS, FLAKY and UNRESOLVED, in that order, each in the order of the run.
std::vector<const TestRecord*> Findings(const Run& run);

// "MqSend" and "FailsWith..." of "MqSend.FailsWith...": GoogleTest's suite and name.
std::string GroupOf(const TestRecord& test);
std::string ShortName(const TestRecord& test);

// An observation whose key is "table/NAME/ROW/COLUMN" is a cell of a table; ROW may hold slashes.
struct TableCell {
  std::string table, row, column;
};
std::optional<TableCell> CellOf(std::string_view key);

// The tests with XFAIL by the expectation that covers them, in the order of the run.
struct KnownDeviation {
  ExpectationRef expectation;
  std::vector<const TestRecord*> tests;
};
std::vector<KnownDeviation> KnownDeviations(const Run& run);

// The clauses with DISPUTED, and the tests that showed it.
struct OpenQuestion {
  const ClauseRecord* clause;
  std::vector<const TestRecord*> tests;
};
std::vector<OpenQuestion> OpenQuestions(const Run& run);
// How a disputed or unread clause can be read, the reading that is judged first.
std::vector<std::string> ReadingsOf(const ClauseRecord& clause);

// "file:12", "file" if the line is unknown (0), "" without a file.
std::string Place(const std::string& file, int line);

// Value of a key in any section of the environment; "" if absent.
std::string Fact(const Run& run, std::string_view key);

// "Linux 6.1.0-31-amd64 x86_64, glibc 2.36, container none, uid 0"
std::string PlatformLine(const Run& run);

}  // namespace ipcsuite::report
