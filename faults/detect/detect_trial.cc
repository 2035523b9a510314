#include "faults/detect/detect_trial.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/os/os.h"
#include "faults/preload/list.h"
#include "reports/results/finding.h"

namespace ipcsuite::detect {
namespace {

using nlohmann::json;

// The kernel takes 128 KiB for one argument.
constexpr std::size_t kFilterBytes = 100'000;

std::vector<std::string> Environment(const TrialOptions& options, const std::string& fault,
                                     const std::string& folder) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    if (text.rfind("LD_PRELOAD=", 0) != 0 && text.rfind("IPCSUITE_FAULT", 0) != 0)
      result.push_back(text);
  }
  if (fault.empty() || !options.kernel.empty()) return result;
  result.push_back("LD_PRELOAD=" + options.library);
  result.push_back(std::string(kIpcFaultVariable) + "=" + fault);
  result.push_back(std::string(kIpcFaultStateVariable) + "=" + folder + "/state");
  // A hang must outlast the watchdog of the tests.
  result.push_back(std::string(kIpcFaultStuckVariable) + "=" +
                   std::to_string(options.timeout_s * 1000 + 3000));
  return result;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

constexpr unsigned kNames = os::kIpc | os::kMounts;

// What the calling thread starts has no name of another run, and leaves none behind.
void EnterOwnNames() {
  if (!os::Isolate(kNames)) return;
  // Where shared memory has no directory nothing is lost: its names are in the private namespace.
  os::Mount("tmpfs", "/dev/shm", {.data = "mode=1777"});
}

// In a thread of its own: what it leaves when it isolates itself ends with it.
void InOwnNames(const TrialOptions& options, const std::function<void()>& body) {
  std::thread([&] {
    if (options.own_names) EnterOwnNames();
    body();
  }).join();
}

// Runs the program without output; returns its wait status, or -1.
int Execute(std::vector<std::string> arguments, std::vector<std::string> environment,
            const std::string& log, std::string* problem) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, arguments[0].c_str(), &actions, nullptr,
                                Pointers(arguments).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error) {
    *problem = "can't start " + arguments[0] + ": " + strerror(error);
    return -1;
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string LastLine(const std::string& path) {
  std::ifstream file(path);
  std::string line, last;
  while (std::getline(file, line)) {
    if (!line.empty()) last = line;
  }
  return last;
}

bool ReadResults(const std::string& path, std::map<std::string, TestOutcome>* tests) {
  std::ifstream file(path);
  const json run = json::parse(file, nullptr, false);
  if (!run.is_object() || !run.contains("tests")) return false;
  for (const json& test : run["tests"]) {
    TestOutcome& outcome = (*tests)[test.value("name", "")];
    outcome.verdict = test.value("verdict", "");
    outcome.reason = test.value("reason", "");
    outcome.surroundings = test.value("surroundings", false);
    outcome.seconds = test.value("duration_ns", 0.0) / 1e9;
    for (const json& observation : test.value("observations", json::array())) {
      outcome.observations.push_back({observation.value("clause", ""), observation.value("key", ""),
                                      observation.value("value", "")});
    }
    for (const json& attachment : test.value("attachments", json::array())) {
      const std::string title = attachment.value("title", "");
      if (title == report::kProgramTitle) outcome.program = attachment.value("content", "");
      if (title == report::kNoProgramTitle) outcome.no_program = attachment.value("content", "");
    }
    if (outcome.reason.empty() && test.contains("failures") && !test["failures"].empty()) {
      const json& failure = test["failures"][0];
      outcome.reason = failure.value("observed", failure.value("message", ""));
    }
  }
  return true;
}

std::uint64_t ReadDecisions(const std::string& state) {
  std::uint64_t count = 0;
  std::ifstream file(state, std::ios::binary);
  file.read(reinterpret_cast<char*>(&count), sizeof count);
  return file ? count : 0;
}

// The command line of the trial: of this kernel, or of one that has the fault.
std::vector<std::string> CommandLine(const TrialOptions& options, const std::string& fault,
                                     std::vector<std::string> verb,
                                     const std::vector<std::string>& arguments,
                                     const std::string& folder) {
  const bool remote = !options.kernel.empty();
  if (remote)
    verb = {"on", "uml:" + options.kernel + ",append=ipcsuite_fault=" + fault, "--silence",
            std::to_string(options.timeout_s + 120) + "s"};
  verb.insert(verb.begin(), options.program);
  verb.insert(verb.end(), {"--out", folder, "--format", "json"});
  if (remote) verb.emplace_back("--");
  verb.insert(verb.end(), arguments.begin(), arguments.end());
  verb.insert(verb.end(), {"--seed", "1"});
  return verb;
}

// One run of the program with these arguments besides where it writes, and its results.
TrialResult RunWith(const TrialOptions& options, const std::string& fault,
                    const std::vector<std::string>& verb,
                    const std::vector<std::string>& arguments) {
  static std::atomic<int> number{0};
  const std::string folder = options.folder + "/" + std::to_string(++number);
  TrialResult result;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    result.problem = "can't make " + folder + ": " + error.message();
    return result;
  }
  const auto start = std::chrono::steady_clock::now();
  int status = -1;
  InOwnNames(options, [&] {
    status = Execute(CommandLine(options, fault, verb, arguments, folder),
                     Environment(options, fault, folder), folder + "/log", &result.problem);
  });
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.decisions = ReadDecisions(folder + "/state");
  if (result.problem.empty() && !ReadResults(folder + "/results.json", &result.tests)) {
    result.problem = WIFSIGNALED(status)
                         ? "the run was ended by signal " + std::to_string(WTERMSIG(status))
                         : "the run exited with " + std::to_string(WEXITSTATUS(status));
    const std::string last = LastLine(folder + "/log");
    if (!last.empty()) result.problem += ": " + last;
  }
  std::filesystem::remove_all(folder, error);
  return result;
}

TrialResult RunOnce(const TrialOptions& options, const std::string& fault,
                    const std::string& filter, const std::vector<std::string>& suites,
                    bool until_fail) {
  std::vector<std::string> arguments = {"--timeout", std::to_string(options.timeout_s),
                                        "--jobs",    std::to_string(options.jobs),
                                        "--profile", options.profile};
  if (!filter.empty()) arguments.insert(arguments.end(), {"--filter", filter});
  for (const std::string& suite : suites) arguments.insert(arguments.end(), {"--suite", suite});
  if (options.programs) arguments.emplace_back("--repro");
  if (until_fail) arguments.insert(arguments.end(), {"--until-fail", "--repeat", "1"});
  return RunWith(options, fault, {"run", "--no-stress"}, arguments);
}

}  // namespace

Result<void> OwnNames() { return os::Isolate(kNames); }

TrialResult RunTrial(const TrialOptions& options, const std::string& fault,
                     const std::vector<std::string>& tests, const std::vector<std::string>& suites,
                     bool until_fail) {
  if (tests.empty()) return RunOnce(options, fault, "", suites, until_fail);
  TrialResult sum;
  for (std::size_t next = 0; next < tests.size();) {
    std::string filter;
    while (next < tests.size() && filter.size() < kFilterBytes)
      filter += (filter.empty() ? "" : ":") + tests[next++];
    TrialResult part = RunOnce(options, fault, filter, {}, until_fail);
    sum.tests.insert(part.tests.begin(), part.tests.end());
    sum.seconds += part.seconds;
    sum.decisions += part.decisions;
    sum.problem = part.problem;
    bool red = false;
    for (const auto& [name, outcome] : part.tests) red |= outcome.Red();
    if (!part.problem.empty() || (until_fail && red)) break;
  }
  return sum;
}

int RunProgram(const TrialOptions& options, const std::string& fault, const std::string& program,
               const std::string& folder) {
  TrialOptions own = options;
  own.timeout_s = 30;  // a reproducer gives up after 20 s
  std::vector<std::string> environment = Environment(own, fault, folder);
  const std::vector<char*> variables = Pointers(environment);
  int status = -1;
  InOwnNames(options, [&] {
    const pid_t child = fork();
    if (child == 0) {
      char* arguments[] = {const_cast<char*>(program.c_str()), nullptr};
      if (chdir(folder.c_str()) == 0) execve(program.c_str(), arguments, variables.data());
      _exit(126);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  });
  return status;
}

TrialResult RunStressTrial(const TrialOptions& options, const std::string& fault, double seconds) {
  return RunWith(options, fault, {"stress"},
                 {"--time", std::to_string(seconds) + "s", "--nemesis", "all"});
}

}  // namespace ipcsuite::detect
