#include "props/engine/explore.h"

#include <rapidcheck.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/core/arena.h"
#include "harness/core/context.h"
#include "props/model/hash.h"

namespace ipcsuite::props {

// For rapidcheck's own messages.
static std::ostream& operator<<(std::ostream& out, const RawStep& step) {
  return out << Encode({step});
}

namespace {

std::int64_t DeadlineIn(double seconds) {
  return NowNs() + static_cast<std::int64_t>(seconds * 1e9);
}

RawStep StepFrom(std::uint64_t bits) {
  return {static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>(bits >> 8),
          static_cast<std::uint16_t>(bits >> 16), static_cast<std::uint16_t>(bits >> 32)};
}

// Simpler steps in place of one: smaller numbers, one field at a time.
rc::Seq<RawStep> SimplerSteps(const RawStep& step) {
  std::vector<RawStep> simpler;
  const auto add = [&](RawStep candidate) {
    if (!(candidate == step)) simpler.push_back(candidate);
  };
  add({0, step.what, 0, 0});
  add({0, step.what, step.a, step.b});
  add({static_cast<std::uint8_t>(step.who / 2), step.what, step.a, step.b});
  add({step.who, step.what, 0, step.b});
  add({step.who, step.what, step.a, 0});
  add({step.who, step.what, static_cast<std::uint16_t>(step.a / 2), step.b});
  add({step.who, step.what, step.a, static_cast<std::uint16_t>(step.b / 2)});
  return rc::seq::fromContainer(std::move(simpler));
}

// The program without a part of it: the tail that is not needed, then halves, quarters, ... down to
// single steps. (rapidcheck's own removal of chunks tries each length at each place, which takes
// too long for programs of processes.)
rc::Seq<Program> Shorter(const Program& program, std::size_t needed) {
  struct Part {
    std::size_t at, length;
  };
  std::vector<Part> parts;
  if (needed < program.size()) parts.push_back({needed, program.size() - needed});
  for (std::size_t length = program.size(); length > 0; length /= 2) {
    for (std::size_t end = program.size(); end > 0;) {
      const std::size_t at = end - std::min(length, end);
      parts.push_back({at, end - at});
      end = at;
    }
  }
  return rc::seq::map(rc::seq::fromContainer(std::move(parts)), [program](const Part& part) {
    Program shorter = program;
    const auto at = shorter.begin() + static_cast<std::ptrdiff_t>(part.at);
    shorter.erase(at, at + static_cast<std::ptrdiff_t>(part.length));
    return shorter;
  });
}

// A program of 1 to max_steps steps; longer ones as rapidcheck's size grows. `needed`: how many
// steps of the program that failed last were looked at.
rc::Gen<Program> AnyProgram(std::size_t max_steps, std::shared_ptr<const std::size_t> needed) {
  const auto smaller = [needed](const Program& program) {
    return rc::seq::concat(Shorter(program, *needed),
                           rc::shrink::eachElement(program, SimplerSteps));
  };
  return [max_steps, smaller](const rc::Random& random, int size) {
    rc::Random bits = random;
    const std::size_t most = std::max<std::size_t>(
        1, max_steps * static_cast<std::size_t>(std::min(size + 10, 100)) / 100);
    Program program(1 + bits.next() % most);
    for (RawStep& step : program) step = StepFrom(bits.next());
    return rc::shrinkable::shrinkRecur(program, smaller);
  };
}

// When to stop looking for a failure.
class EndOfSearch {
 public:
  explicit EndOfSearch(const ExploreOptions& options)
      : options_(options),
        deadline_(DeadlineIn(options.seconds)),
        last_(DeadlineIn(options.seconds + 120)) {}
  bool operator()(std::uint64_t cases) const {
    if (cases < options_.min_cases) return false;
    const std::int64_t now = NowNs();
    if (now < deadline_) return false;
    return now > last_ || cases >= options_.max_cases || !options_.enough || options_.enough();
  }

 private:
  const ExploreOptions& options_;
  std::int64_t deadline_;
  std::int64_t last_;
};

// Counts rapidcheck's shrink attempts.
class CountShrinks : public rc::detail::TestListener {
 public:
  void onTestCaseFinished(const rc::detail::CaseDescription&) override {}
  void onShrinkTried(const rc::detail::CaseDescription&, bool) override { ++tried; }
  void onTestFinished(const rc::detail::TestMetadata&, const rc::detail::TestResult&) override {}
  int tried = 0;
};

}  // namespace

std::optional<Failure> Explore(const ExploreOptions& options, const RunProgram& run,
                               const OnCase& on_case) {
  constexpr int kBatch = 100;
  const EndOfSearch ended(options);
  std::int64_t shrink_deadline = 0;
  std::uint64_t cases = 0;
  std::optional<Failure> failure;
  bool aborted = false;
  bool given_up = false;
  CountShrinks listener;
  const auto needed = std::make_shared<std::size_t>(options.max_steps);
  const rc::Gen<Program> any = AnyProgram(options.max_steps, needed);
  const auto property = [&] {
    const Program program = *any;
    const bool shrinking = failure.has_value();
    if (aborted || given_up || (!shrinking && ended(cases))) return;
    if (shrinking && NowNs() > shrink_deadline) return;
    ++cases;
    CaseOutcome outcome;
    try {
      outcome = run(program);
    } catch (const TestAbort&) {  // noted in the slot; rapidcheck would take it for a failure
      aborted = true;
      return;
    }
    if (!shrinking) on_case(outcome);
    // What could not be judged once, and took its whole patience, will not be the next time.
    given_up = given_up || (!shrinking && !outcome.unresolved.empty());
    if (!outcome.failed) return;
    if (!shrinking) shrink_deadline = DeadlineIn(options.shrink_seconds);
    *needed = outcome.steps;
    failure = Failure{program, std::move(outcome), listener.tried};
    if (options.on_failure) options.on_failure(*failure);
    RC_FAIL(failure->outcome.reason);
  };
  for (std::uint64_t batch = 0; !failure.has_value() && !aborted && !given_up; ++batch) {
    if (ended(cases)) break;
    rc::detail::TestParams params;
    params.seed = HashSeed(options.seed + batch, "batch");
    params.maxSuccess = kBatch;
    // With an empty map of its own replays: rapidcheck's configuration is not asked, nor printed.
    rc::detail::checkTestable(property, rc::detail::TestMetadata(), params, listener,
                              std::unordered_map<std::string, rc::detail::Reproduce>());
  }
  if (aborted) throw TestAbort();
  if (failure.has_value()) failure->shrinks = listener.tried;
  return failure;
}

namespace {

constexpr int kRunsPerCandidate = 6;
constexpr int kFinalRuns = 20;

// Runs a candidate until it fails, a few times at most.
bool FailsSometimes(const RunProgram& run, const Program& program, int runs, Failure& failure) {
  for (int i = 0; i < runs; ++i) {
    CaseOutcome outcome = run(program);
    if (!outcome.failed) continue;
    failure.program = program;
    failure.outcome = std::move(outcome);
    return true;
  }
  return false;
}

// Candidates in the order in which they help most: without one process's steps, without a chunk,
// with a step of the second half moved to the front, with simpler steps.
std::vector<Program> Candidates(const Program& program, std::size_t chunk) {
  std::vector<Program> candidates;
  if (chunk * 2 >= program.size()) {
    for (unsigned lane = 0; lane < 8; ++lane) {
      Program fewer = program;
      std::erase_if(fewer, [&](const RawStep& step) { return step.who % 8U == lane; });
      if (fewer.size() < program.size()) candidates.push_back(std::move(fewer));
    }
  }
  for (std::size_t at = 0; at < program.size(); at += chunk) {
    Program fewer = program;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                fewer.begin() + static_cast<std::ptrdiff_t>(std::min(at + chunk, fewer.size())));
    candidates.push_back(std::move(fewer));
  }
  if (chunk > 1) return candidates;
  for (std::size_t at = (program.size() + 1) / 2; at < program.size(); ++at) {
    Program moved = program;
    std::rotate(moved.begin(), moved.begin() + static_cast<std::ptrdiff_t>(at),
                moved.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    if (Encode(moved) < Encode(program)) candidates.push_back(std::move(moved));
  }
  for (std::size_t at = 0; at < program.size(); ++at) {
    Program simpler = program;
    simpler[at].a = 0;
    simpler[at].b = 0;
    if (simpler != program) candidates.push_back(std::move(simpler));
  }
  return candidates;
}

void ShrinkRacy(const ExploreOptions& options, const RunProgram& run, Failure& failure) {
  const std::int64_t deadline = DeadlineIn(options.shrink_seconds);
  std::size_t chunk = std::max<std::size_t>(1, failure.program.size() / 2);
  while (NowNs() < deadline && !failure.program.empty()) {
    bool smaller = false;
    for (const Program& candidate : Candidates(failure.program, chunk)) {
      if (NowNs() > deadline) return;
      ++failure.shrinks;
      smaller = FailsSometimes(run, candidate, kRunsPerCandidate, failure);
      if (smaller) break;
    }
    if (smaller) {
      if (options.on_failure) options.on_failure(failure);
      chunk = std::max<std::size_t>(1, std::min(chunk, failure.program.size() / 2));
    } else if (chunk == 1) {
      return;
    } else {
      chunk /= 2;
    }
  }
}

}  // namespace

std::optional<Failure> ExploreRacy(const ExploreOptions& options, const RunProgram& run,
                                   const OnCase& on_case) {
  const EndOfSearch ended(options);
  const rc::Gen<Program> any =
      AnyProgram(options.max_steps, std::make_shared<std::size_t>(options.max_steps));
  for (std::uint64_t i = 0; !ended(i); ++i) {
    const Program program =
        any(rc::Random(HashSeed(options.seed + i, "batch")), static_cast<int>(i % 100)).value();
    CaseOutcome outcome = run(program);
    on_case(outcome);
    if (!outcome.unresolved.empty()) return std::nullopt;
    if (!outcome.failed) continue;
    Failure failure{program, std::move(outcome)};
    if (options.on_failure) options.on_failure(failure);
    ShrinkRacy(options, run, failure);
    for (; failure.reruns < kFinalRuns; ++failure.reruns) {
      failure.rerun_failures += run(failure.program).failed;
    }
    return failure;
  }
  return std::nullopt;
}

}  // namespace ipcsuite::props
