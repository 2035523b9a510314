// Runs every witness three times: with its fault it must see it, with the neutral one and without
// the library it must not. So an undetected fault is a miss of the suite, not a dud.
#include <gtest/gtest.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <set>

#include "faults/detect/library.h"
#include "faults/preload/list.h"

namespace ipcsuite::detect {
namespace {

constexpr int kConcurrent = 6;  // most witnesses wait

std::string WitnessPath() {
  std::string path = FindLibrary();
  return path.substr(0, path.rfind('/') + 1) + "witness/witness";
}

struct Trial {
  std::string witness;  // name of the fault that is looked for
  std::string fault;    // that is active; empty: without the library
  bool seen() const { return witness == fault; }
};

pid_t Start(const Trial& trial, const std::string& witness, const std::string& library) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  if (!trial.fault.empty()) {
    setenv("LD_PRELOAD", library.c_str(), 1);
    setenv(kIpcFaultVariable, trial.fault.c_str(), 1);
  }
  execl(witness.c_str(), witness.c_str(), trial.witness.c_str(), nullptr);
  _exit(127);
}

std::string Outcome(int status) {
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  switch (WEXITSTATUS(status)) {
    case 0: return "saw the fault";
    case 1: return "did not see the fault";
    case 2: return "does not exist";
    default: return "exited with " + std::to_string(WEXITSTATUS(status));
  }
}

// Runs the trials, several concurrently; returns what went wrong.
std::vector<std::pair<Trial, std::string>> RunTrials(const std::vector<Trial>& trials) {
  const std::string library = FindLibrary(), witness = WitnessPath();
  std::vector<std::pair<Trial, std::string>> wrong;
  std::map<pid_t, Trial> running;
  std::size_t next = 0;
  while (next < trials.size() || !running.empty()) {
    while (running.size() < kConcurrent && next < trials.size()) {
      const Trial& trial = trials[next++];
      running[Start(trial, witness, library)] = trial;
    }
    int status = 0;
    const pid_t pid = waitpid(-1, &status, 0);
    const auto found = running.find(pid);
    if (found == running.end()) continue;
    const std::string outcome = Outcome(status);
    if (outcome != (found->second.seen() ? Outcome(0) : Outcome(1 << 8)))
      wrong.emplace_back(found->second, outcome);
    running.erase(found);
  }
  return wrong;
}

TEST(Witnesses, SeeTheirFaultAndNothingElse) {
  std::string error;
  std::vector<Trial> trials;
  for (const Implementation& fault : LoadLibrary(FindLibrary(), &error)) {
    if (fault.meta() || fault.role != faults::Role::fault) continue;
    for (const std::string& active : {fault.name, std::string("neutral"), std::string()})
      trials.push_back({fault.name, active});
  }
  ASSERT_EQ(error, "");
  ASSERT_GE(trials.size(), 600u);
  // A busy machine may keep a witness of a race, or of something that should happen soon, from its
  // evidence: what went wrong gets two more chances. A dud stays one.
  std::vector<std::pair<Trial, std::string>> wrong = RunTrials(trials);
  for (int chance = 0; chance < 2 && !wrong.empty(); ++chance) {
    std::vector<Trial> again;
    for (const auto& [trial, outcome] : wrong) again.push_back(trial);
    wrong = RunTrials(again);
  }
  for (const auto& [trial, outcome] : wrong) {
    ADD_FAILURE() << trial.witness << " with " << (trial.fault.empty() ? "no library" : trial.fault)
                  << ": the witness " << outcome;
  }
}

}  // namespace
}  // namespace ipcsuite::detect
