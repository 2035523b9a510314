// The clause catalogue as the programs see it: one entry for each requirement of POSIX.1 that the
// suite knows of, and one for each known historical bug. The tables are generated from the YAML
// files in this folder; nothing reads YAML at run time.
//
// Name a clause by its constant, so that an unknown one does not compile. Each YAML file becomes a
// header of constants beside it (spec/clauses/mqueue.yaml: spec/clauses/mqueue.h):
//   mq_send.full.eagain  ->  ipcsuite::clause::mq_send::full_eagain
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ipcsuite {

// A reference to a clause: its id. The generated constants are the ones that exist for sure; what
// includes one file's constants is not rebuilt when another file's clauses change.
struct ClauseRef {
  std::string_view id;
  friend constexpr bool operator==(ClauseRef, ClauseRef) = default;
};

// What the standard says about a clause, which decides what a violation means.
enum class Kind : std::uint8_t {
  kShall,                  // violated: FAIL
  kShallError,             // a required error; violated: FAIL
  kLimit,                  // a minimum or maximum; violated: FAIL
  kMayError,               // an error the system may report: OBSERVED
  kShould,                 // a recommendation: OBSERVED
  kUnspecified,            // unspecified or undefined: OBSERVED
  kImplementationDefined,  // must be documented by the system: OBSERVED
};

// The name of the kind as the YAML files spell it, e.g. "shall-error".
std::string_view ToString(Kind kind);

// The kind of that name; nothing if there is none.
std::optional<Kind> KindFromString(std::string_view name);

// Every kind, in the order of the enumeration.
std::span<const Kind> AllKinds();

// True if a violated clause of this kind is a FAIL; false if every outcome that the clause lists is
// accepted and the one seen is recorded.
constexpr bool IsRequirement(Kind kind) { return kind <= Kind::kLimit; }

// The bits of Clause::issues.
inline constexpr unsigned kIssue7 = 1u << 0;  // POSIX.1-2008 and POSIX.1-2017
inline constexpr unsigned kIssue8 = 1u << 1;  // POSIX.1-2024

// The bit for an issue number (7 or 8); 0 for any other.
constexpr unsigned IssueBit(int issue) { return issue == 7 ? kIssue7 : issue == 8 ? kIssue8 : 0u; }

// The bits of Clause::text: which texts of the standard were read for a clause.
inline constexpr unsigned kReadIssue7 = 1u << 0;         // the 2016 edition of Issue 7
inline constexpr unsigned kReadIssue8 = 1u << 1;         // the page of Issue 8
inline constexpr unsigned kReadTranscription = 1u << 2;  // Issue 8 in somebody's transcription

struct Clause {
  std::string_view id;         // e.g. "mq_send.full.eagain"
  std::string_view interface;  // the YAML file's name without ".yaml", e.g. "mqueue"
  std::string_view function;   // the function or header, e.g. "mq_send"
  std::string_view source;     // the section of the standard
  unsigned issues;             // kIssue7 | kIssue8: the issues that the clause holds in
  Kind kind;
  std::string_view level;          // "base", or the option(s) that it belongs to: "MSG", "ML|MLR"
  std::string_view requires_text;  // the requirement, in our words
  std::string_view test_hint;      // how to test it; may be empty if untestable
  std::string_view linux_note;     // a known deviation or extra guarantee; empty if none
  std::string_view untestable;     // why no test can decide it; empty if testable
  unsigned text;                   // kReadIssue7, ...; 0: unread, known from elsewhere
  std::span<const std::string_view> readings;  // of a disputed clause: ours first; else empty
  std::string_view decides;                    // what would settle the dispute

  // Whether a violation says nothing against a platform, since the wording allows another reading
  // or could not be read at all.
  bool open_question() const { return !readings.empty() || text == 0; }
};

// The issues (kIssue7 | kIssue8) whose text was read for the clause.
constexpr unsigned IssuesRead(const Clause& clause) {
  return (clause.text & kReadIssue7 ? kIssue7 : 0) |
         (clause.text & (kReadIssue8 | kReadTranscription) ? kIssue8 : 0);
}

// The same in words: "Issue 7 (2016 edition), Issue 8 (transcription)"; "unread".
std::string TextRead(const Clause& clause);

// Every clause, in the order of the YAML files.
std::span<const Clause> AllClauses();

// The clause of a reference, which must be a constant or RefOf's; ends the program for any other.
const Clause& Get(ClauseRef ref);

// The clause with that id; nullptr if there is none.
const Clause* Find(std::string_view id);

constexpr ClauseRef RefOf(const Clause& clause) { return {clause.id}; }

// The suite that tests the clause, which is the folder in suites/: the pipe, pipe_io and pipe_attr
// interfaces are of "pipe", pipe_poll is of "poll", any other has a suite of its own name.
std::string_view SuiteOf(const Clause& clause);

// A reference to a known bug, by the constants of spec/regressions/mqueue.h and the like:
//   linux.efault_loses_message  ->  ipcsuite::regression::linux_efault_loses_message
struct RegressionRef {
  std::string_view id;
  friend constexpr bool operator==(RegressionRef, RegressionRef) = default;
};

// A bug that a real system has or had, which a test provokes again.
struct Regression {
  std::string_view id;                 // e.g. "linux.efault_loses_message"
  std::string_view interface;          // e.g. "mqueue" for regressions/mqueue.yaml
  std::string_view where;              // the system and the place
  std::string_view status;             // "open", "fixed" or "historical"
  std::string_view basis;              // how we know: "observed", "source", "doc" or "memory"
  std::string_view trigger;            // what provokes it
  std::string_view wrong_result;       // what is seen then
  std::string_view affected;           // the versions; empty if unknown
  std::string_view fixed;              // the version that fixed it; empty if unknown or open
  std::span<const ClauseRef> clauses;  // the clauses that it breaks; may be empty
};

std::span<const Regression> AllRegressions();
const Regression& Get(RegressionRef ref);
const Regression* FindRegression(std::string_view id);
constexpr RegressionRef RefOf(const Regression& regression) { return {regression.id}; }

}  // namespace ipcsuite
