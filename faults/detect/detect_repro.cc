#include "faults/detect/detect_repro.h"

#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/files.h"
#include "base/text.h"
#include "faults/detect/detect_pool.h"

namespace ipcsuite::detect {
namespace {

using Result = Proof::Result;
constexpr int kCannotTell = 77;

int ExitOf(int status) { return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

void Prove(const TrialOptions& trial, const Detection& detection, Proof* proof) {
  static std::atomic<int> number{0};
  proof->why.clear();
  if (detection.program.empty()) {
    proof->why = detection.no_program;
    return;
  }
  proof->lines = static_cast<int>(std::ranges::count(detection.program, '\n'));
  const std::string folder =
      std::filesystem::absolute(trial.folder).string() + "/program-" + std::to_string(++number);
  const std::string source = folder + "/program.c", binary = folder + "/program";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (const auto written = WriteFile(source, detection.program); !written) {
    proof->result = Result::kDoesNotCompile;
    proof->why = written.error();
    return;
  }
  const std::string command = "cc -std=c11 -Wall -Wextra -Wpedantic -Werror -o '" + binary + "' '" +
                              source + "' -pthread -lrt >'" + folder + "/log' 2>&1";
  if (ExitOf(std::system(command.c_str())) != 0) {
    proof->result = Result::kDoesNotCompile;
    const auto log = ReadFile(folder + "/log");
    const std::vector<std::string> lines = Lines(log ? *log : log.error());
    proof->why = lines.empty() ? "the compiler says nothing" : lines.front();
    return;
  }
  const int without = ExitOf(RunProgram(trial, "", binary, folder));  // first: faults leave things
  const int with = ExitOf(RunProgram(trial, proof->fault, binary, folder));
  const std::string seen = "exit status " + std::to_string(with) + " with the fault, " +
                           std::to_string(without) + " without";
  if (with == kCannotTell || without == kCannotTell) {
    proof->result = Result::kCannotTell;
  } else if (without != 0) {
    proof->result = Result::kDeviatesWithoutIt;
  } else {
    proof->result = with == 0 ? Result::kConformsUnderTheFault : Result::kAgrees;
  }
  if (proof->result != Result::kAgrees) proof->why = seen;
  std::filesystem::remove_all(folder, error);
}

}  // namespace

const char* ToString(Proof::Result result) {
  switch (result) {
    case Result::kAgrees: return "agrees";
    case Result::kCannotTell: return "cannot tell";
    case Result::kConformsUnderTheFault: return "conforms under the fault";
    case Result::kDeviatesWithoutIt: return "deviates without it";
    case Result::kDoesNotCompile: return "does not compile";
    case Result::kNoProgram: return "no program";
  }
  return "?";
}

std::vector<Proof> ProveReproducers(const Options& options, const TrialOptions& trial,
                                    const std::vector<FaultResult>& results) {
  std::vector<Proof> proofs;
  std::vector<const Detection*> detections;
  for (const FaultResult& result : results) {
    if (result.fault.meta()) continue;
    std::vector<const Detection*> failed;
    for (const Detection& detection : result.detections) {
      if (detection.verdict == "FAIL" && result.stage < kProperties) failed.push_back(&detection);
    }
    // Of several tests that detect it, one that can be written as a program.
    std::ranges::stable_partition(failed, [](const Detection* d) { return !d->program.empty(); });
    if (!options.full && failed.size() > 1) failed.resize(1);
    for (const Detection* detection : failed) {
      proofs.push_back(
          {.fault = result.fault.name, .test = detection->test, .why = "interrupted before"});
      detections.push_back(detection);
    }
  }
  ForEachConcurrently(Jobs(options), proofs.size(),
                      [&](std::size_t i) { Prove(trial, *detections[i], &proofs[i]); });
  return proofs;
}

void PrintProofs(const std::vector<Proof>& proofs) {
  if (proofs.empty()) return;
  std::map<Result, int> counts;
  std::map<std::string, int> reasons;
  std::vector<int> lines;
  for (const Proof& proof : proofs) {
    ++counts[proof.result];
    if (proof.result == Result::kNoProgram) {
      ++reasons[proof.why];
    } else {
      lines.push_back(proof.lines);
    }
  }
  std::printf("\nReproducers of %zu detections:\n", proofs.size());
  for (const auto& [result, count] : counts) std::printf("  %4d %s\n", count, ToString(result));
  if (!lines.empty()) {
    std::ranges::sort(lines);
    std::printf("  %d of them have at most %d lines, the longest has %d\n",
                static_cast<int>(lines.size() + 1) / 2, lines[(lines.size() - 1) / 2],
                lines.back());
  }
  for (const auto& [why, count] : reasons)
    std::printf("  no program: %d: %s\n", count, why.c_str());
  for (const Proof& proof : proofs) {
    if (proof.result == Result::kAgrees || proof.result == Result::kNoProgram) continue;
    std::printf("  %s: %s of %s: %s\n", ToString(proof.result), proof.test.c_str(),
                proof.fault.c_str(), proof.why.c_str());
  }
}

}  // namespace ipcsuite::detect
