#include "faults/detect/detect_options.h"

#include <algorithm>

#include "base/args.h"

namespace ipcsuite::detect {
namespace {

template <class Rows>
std::vector<std::string> Names(const Rows& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.emplace_back(row.name);
  return names;
}

}  // namespace

int ParseOptions(int argc, char** argv, Options* options) {
  CLI::App app("Runs the suite against a bank of broken implementations: would it have noticed?",
               "ipcsuite detect");
  auto* const variants =
      app.add_flag("--variants", options->variants,
                   "Run the suites under conforming variants instead: does any test misjudge one?");
  app.add_option("--fault", options->names, "Only these faults (or variants)")->delimiter(',');
  app.add_option("--family", options->families, "Only faults of these families")
      ->delimiter(',')
      ->check(CLI::IsMember(Names(faults::kFamilies)));
  app.add_option("--difficulty", options->difficulties, "Only faults of these difficulties")
      ->delimiter(',')
      ->check(CLI::IsMember(Names(faults::kDifficulties)));
  app.add_option("--sample", options->sample, "Only every n-th fault (or variant)")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--test", options->test, "Only this test: which faults does it detect?");
  app.add_option("--jobs,-j", options->jobs,
                 "Faults tried concurrently; default: two for each CPU (many of them wait)")
      ->check(CLI::Range(1, 256));
  app.add_option("--timeout", options->timeout_s, "Seconds that a test may take")
      ->check(CLI::Range(2, 600))
      ->capture_default_str();
  app.add_flag("--full", options->full,
               "All tests of the interface against each fault, not until the first detection");
  app.add_flag("--claiming", options->claiming,
               "Only tests that claim a clause that the fault breaks");
  app.add_option("--profile", options->profile,
                 "The tests that serve: full, or those of `run --profile smoke`")
      ->type_name("NAME")
      ->check(CLI::IsMember({"full", "smoke"}))
      ->capture_default_str();
  app.add_option("--smoke", options->smoke,
                 "With --full: write few tests that together detect what all detected to this file")
      ->type_name("FILE");
  app.add_flag("--no-suites", options->no_suites,
               "Properties (and stress) only: what would they find alone?");
  app.add_flag("--no-properties", options->no_properties, "Conformance suites (and stress) only");
  auto* const stress =
      app.add_option("--stress", options->stress_s,
                     "Seconds of stress against each fault that is still undetected; 0: none")
          ->check(CLI::Range(0.0, 3600.0))
          ->capture_default_str();
  app.add_option("--out", options->out, "Directory of detection.json")->capture_default_str();
  auto* const library =
      app.add_option("--library", options->library,
                     "The fault library; default: libipcfaults.so beside the program");
  auto* const repro = app.add_flag(
      "--repro", options->repro,
      "Compile the reproducer of each detecting test: does it deviate under the fault, and "
      "conform without it?");
  app.add_option("--kernel", options->kernel,
                 "Start user-mode Linux from this folder with each of its faults instead "
                 "(faults/kernel/build makes it)")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory)
      ->excludes(variants)
      ->excludes(stress)
      ->excludes(library)
      ->excludes(repro);
  app.add_flag("--list", options->list, "Name the faults and run none");
  app.add_flag("--verbose,-v", options->verbose, "A line for every fault");
  if (const int status = ParseArguments(app, argc, argv); status >= 0) return status;
  if (!options->smoke.empty() && !options->full)
    return Complain("--smoke: needs --full, so that all tests are tried on each fault");
  return -1;
}

bool Contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::vector<Implementation> Choose(const Options& options, const std::vector<Implementation>& all) {
  const faults::Role role = options.variants ? faults::Role::variant : faults::Role::fault;
  std::vector<Implementation> chosen;
  int number = 0;
  for (const Implementation& one : all) {
    if (one.role != role || one.name == "neutral") continue;
    const auto fits = [](const std::vector<std::string>& list, const char* text) {
      return list.empty() || Contains(list, text);
    };
    if (!options.names.empty()) {
      if (!Contains(options.names, one.name)) continue;
    } else if (!one.meta()) {
      if (!fits(options.families, ToString(one.family))) continue;
      if (!fits(options.difficulties, ToString(one.difficulty))) continue;
      if (number++ % options.sample != 0) continue;
    }
    chosen.push_back(one);
  }
  return chosen;
}

}  // namespace ipcsuite::detect
