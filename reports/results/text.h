// Small helpers that several writers share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/results/model.h"

namespace ipcsuite::report {

// For XML and HTML, text and attributes: & < > " ' escaped, bytes that are not UTF-8 and control
// characters (other than tab and newline) replaced by U+FFFD.
std::string Escape(std::string_view text);

// `link` if it is an http or https address without blanks or quotes, else "": results may come from
// anywhere, and a page must not offer javascript: to click on.
std::string SafeLink(std::string_view link);

// The same replacements without escaping.
std::string CleanUtf8(std::string_view text);

// At most `bytes` bytes, cut at a character; what was cut is announced in the text.
std::string Shorten(std::string_view text, std::size_t bytes);

// "0x2a": as the command line shows and takes it.
std::string SeedText(std::uint64_t seed);

// "950 ns", "1.23 ms", "12.3 s", "2 min 5 s".
std::string Duration(std::int64_t ns);

// Four significant digits, large and small ones without exponent where it reads well.
std::string Number(double value);

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

// "file:12", "file" if the line is unknown (0), "" without a file.
std::string Place(const std::string& file, int line);

// Value of a key in any section of the environment; "" if absent.
std::string Fact(const Run& run, std::string_view key);

// "Linux 6.1.0-31-amd64 x86_64, glibc 2.36, container none, uid 0"
std::string PlatformLine(const Run& run);

}  // namespace ipcsuite::report
