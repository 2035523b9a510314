// Which tests are tried on which fault, and in which order. Plain values.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "faults/detect/library.h"

namespace ipcsuite::detect {

struct TestInfo {
  std::string name;
  std::string suite;  // the folder in suites/, or "props", "stress"
  std::vector<ClauseRef> clauses;
};

// The suites that judge clauses; the others are detectors for the hard faults.
bool IsConformance(const std::string& suite);

// The suites whose interface the fault concerns: those of its clauses and of its family.
std::set<std::string> SuitesOf(const Implementation& fault);
// ... and any of these. The neutral one and the canary, which concern all, go along with the
// others: only alone do they bring in all suites.
std::set<std::string> SuitesOf(const std::vector<Implementation>& implementations);
// Whether a test, or a property, judges a clause of these suites.
bool Concerns(const TestInfo& test, const std::set<std::string>& suites);

// What is run one after the other until something is detected. Tests that claim a clause that the
// fault breaks; the other tests of the suites concerned; properties with clauses of these suites; a
// stress run (which has no tests to choose from: its plan is empty).
enum Stage { kClaiming, kNeighbours, kProperties, kStress, kStages };
const char* ToString(Stage stage);
using Stages = std::vector<std::string>[kStages];
void PlanStages(const Implementation& fault, const std::vector<TestInfo>& tests, Stages* stages);

// ---- what came out ----------------------------------------------------------------------------

struct Detection {
  std::string test, verdict, reason;
  std::string program = {}, no_program = {};  // its reproducer, or why there is none; if asked for
};

struct FaultResult {
  Implementation fault;
  bool done = false;                  // false: the run was interrupted before
  std::vector<Detection> detections;  // empty: missed; more than one only in a full run
  Stage stage = kStages;              // in which it was detected
  std::string problem;                // why there is no result
  double seconds = 0;
  bool detected() const { return !detections.empty(); }
};

struct Score {
  int faults = 0, by_suites = 0, detected = 0;
};
// By family (or "all"), and there by difficulty ("" is the sum).
std::map<std::string, std::map<std::string, Score>> Scores(const std::vector<FaultResult>& results);

// By clause: "proven" (some fault of it was detected), "unproven" (none of its faults was),
// "no fault". Only requirements.
std::map<std::string, std::string> ClauseStates(const std::vector<FaultResult>& results);

// Few tests that together detect every fault of which some test was red for a failed check, at most
// `most`: greedily, first the one that detects most of what is left, of equal ones the quickest.
// `seconds`: of each test without a fault. Sorted by name.
std::vector<std::string> SmallestCover(const std::vector<FaultResult>& results,
                                       const std::map<std::string, double>& seconds,
                                       std::size_t most);

}  // namespace ipcsuite::detect
