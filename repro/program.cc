#include "repro/program.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "harness/core/call.h"
#include "harness/core/trace_words.h"
#include "repro/arguments.h"
#include "repro/runtime.h"
#include "repro/steps.h"
#include "spec/clause.h"

namespace ipcsuite::repro {
namespace {

using What = Step::What;

// What is required of an outcome, as a condition on r and e; "" when nothing is.
std::string ConditionOf(const TraceEntry& entry, const Requirement& required) {
  const ErrorStyle style = ShapeOf(entry.function).style;
  const std::string failure = style == ErrorStyle::kSemFailed ? "r == (long)SEM_FAILED" : "r == -1";
  const std::string success = style == ErrorStyle::kNumber      ? "r == 0"
                              : style == ErrorStyle::kSemFailed ? "r != (long)SEM_FAILED"
                                                                : "r != -1";
  std::string errors;
  for (int i = 0; i < required.error_count; ++i) {
    const std::string_view variable = style == ErrorStyle::kNumber ? "r" : "e";
    errors +=
        (i > 0 ? " || " : "") + std::string(variable) + " == " + ErrnoName(required.errors[i]);
  }
  const bool several = required.error_count > 1;
  switch (required.what) {
    case Requirement::kSucceeds: return success;
    case Requirement::kReturns: return "r == " + std::to_string(required.value);
    case Requirement::kFails:
      if (style == ErrorStyle::kNumber) return errors;
      return failure + " && " + (several ? "(" + errors + ")" : errors);
    case Requirement::kMayFail: return success + " || " + errors;
    case Requirement::kSetup: return success;
    default: return "";
  }
}

// For what a test looks at by itself: that it goes as it went when the test passed.
Requirement AsSeen(const TraceEntry& entry) {
  constexpr std::int64_t kTellingMax = 64;  // capacities and addresses are larger
  Requirement seen;
  if (entry.failed) {
    seen = {.what = Requirement::kFails, .error_count = 1, .errors = {entry.error}};
  } else if (entry.value >= 0 && entry.value <= kTellingMax) {
    seen = {.what = Requirement::kSucceeds, .value = entry.value};
  } else {
    seen = {.what = Requirement::kSucceeds};
  }
  return seen;
}

class Program {
 public:
  Program(const Slot& slot, const TestEntry& test, const report::TestRecord& record)
      : slot_(slot), test_(test), passed_(record.failures.empty()) {
    const int actors = std::min<int>(slot.actors_used.load(), Slot::kActorsMax);
    for (int i = 0; i < actors; ++i) roles_.SetPid(i, slot.actors[i].pid.load());
    roles_.SetPid(0, slot.actors[0].pid.load());
  }

  Result<std::string> Write(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      peers_ = std::max(peers_, std::max<int>(step.actor, step.what == What::kStart ? step.of : 0));
      required_ = required_ || IsCheck(step);
      violated_ = violated_ || (step.entry->requirement.what != Requirement::kNone &&
                                !step.entry->requirement.held);
    }
    if (!required_) return Error{"none of its checks is one of a call's outcome"};
    if (!passed_ && !violated_)
      return Error{"what failed is not the outcome of a call, but what the test made of it"};
    for (const Step& step : steps) NoteLongBytes(*step.entry);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool first = i == 0 || steps[i - 1].actor != steps[i].actor;
      const bool last = i + 1 == steps.size() || steps[i + 1].actor != steps[i].actor;
      if (first && i > 0) Line(steps[i].actor, "turn(" + std::to_string(++turn_) + ");");
      Perform(steps[i]);
      const bool main_ends = i + 1 == steps.size() && steps[i].actor == 0;
      if (last && steps[i].what != What::kIssue && peers_ > 0 && !main_ends)
        Line(steps[i].actor, "s->turn++;");
    }
    if (!why_.empty()) return Error{why_};
    return Text(steps);
  }

 private:
  static bool IsCheck(const Step& step) {
    const Requirement::What what = step.entry->requirement.what;
    return step.what == What::kBlocked ||
           (what != Requirement::kNone && what != Requirement::kOpen &&
            what != Requirement::kSetup);
  }

  // A new line, or more of the last one where that reads well.
  void Line(int actor, const std::string& text) {
    constexpr std::size_t kColumns = 96;
    std::vector<std::string>& lines = lines_[actor];
    const bool follows = text.starts_with("MUST(") || text.starts_with("SETUP(r") ||
                         text.starts_with("s->turn++") ||
                         (!lines.empty() && lines.back().starts_with("turn("));
    const bool fits = !lines.empty() && lines.back().size() + 1 + text.size() <= kColumns &&
                      !lines.back().starts_with("if (") && !text.starts_with("if (");
    if (follows && fits) {
      lines.back() += " " + text;
    } else {
      lines.push_back(text);
    }
  }

  // Long buffers are written as zeroes, so what is read of them differs.
  void NoteLongBytes(const TraceEntry& entry) {
    if (entry.kind == TraceEntry::Kind::kFill) needs_.bytes_are_known = false;
    const FunctionShape& shape = ShapeOf(entry.function);
    for (int i = 0; i < entry.word_count; ++i) {
      if (shape.parameters[i].kind == ParameterKind::kBytesIn && entry.word[i + 1] > entry.size[i])
        needs_.bytes_are_known = false;
    }
  }

  void Perform(const Step& step) {
    const std::string peer = std::to_string(step.of);
    switch (step.what) {
      case What::kCall: return Call(step, "CALL");
      case What::kIssue: return Call(step, "ISSUE");
      case What::kReturn: return Check(step, *step.entry);
      case What::kStart: return Start(step);
      case What::kBlocked:
        needs_blocked_ = true;
        return Line(step.actor, "blocked(" + peer + ");" + Clause(step.entry->requirement));
      case What::kSignal: return Signal(step, peer);
      case What::kFill: needs_.fill = true; return Line(step.actor, "fill(" + Fd(step) + ");");
      case What::kDrain: needs_.drain = true; return Line(step.actor, "drain(" + Fd(step) + ");");
      case What::kCloseExcept: return CloseExcept(step);
      case What::kJoin: return Join(step, peer);
    }
  }

  std::string Fd(const Step& step) const {
    return roles_.Descriptor(step.actor, static_cast<int>(step.entry->word[0]));
  }

  void Call(const Step& step, const std::string& how) {
    const std::string call = CallInC(*step.entry, roles_, needs_, &why_);
    Line(step.actor, how + "(" + call + ");");
    if (how == "CALL") Check(step, *step.entry);
    const bool stays = step.entry->ended == 0 && !MustReturn(*step.entry);
    if (stays && step.entry->requirement.what != Requirement::kDies &&
        step.entry->requirement.what != Requirement::kIsCancelled)
      may_stay_ |= std::uint64_t{1} << step.actor;
    // A thread that is cancelled, or a process that is killed, must not come back.
    const Requirement::What what = step.entry->requirement.what;
    if (what == Requirement::kDies || what == Requirement::kIsCancelled)
      Line(step.actor, "MUST(!\"come back from the call\");" + Clause(step.entry->requirement));
    if (what == Requirement::kDies) dies_[step.actor] = step.entry;
    if (what == Requirement::kIsCancelled) cancelled_[step.actor] = step.entry;
  }

  void Check(const Step& step, const TraceEntry& entry) {
    Requirement required = entry.requirement;
    const bool own = entry.kind == TraceEntry::Kind::kCall;
    const bool seen = required.what == Requirement::kNone && own && passed_;
    if (required.what == Requirement::kNone && !own && !entry.failed && entry.ended != 0)
      required.what = Requirement::kSetup;
    if (seen) required = AsSeen(entry);
    if (required.what == Requirement::kNone || required.what == Requirement::kOpen) return;
    std::string condition = ConditionOf(entry, required);
    const std::string results = passed_ && !entry.failed && own ? ResultsInC(entry, needs_) : "";
    if (condition.empty()) return;
    if (required.what == Requirement::kSetup) {
      Line(step.actor, "SETUP(" + condition + ");");
      if (!results.empty()) Line(step.actor, "MUST(" + results.substr(4) + ");");
      return;
    }
    if (!results.empty() && required.what == Requirement::kMayFail)
      condition = "(" + condition + ")";
    Line(step.actor, "MUST(" + condition + results + ");" + Clause(required));
  }

  // " /* clause */", unless it is the one that the test is about.
  std::string Clause(const Requirement& required) const {
    if (required.clause == nullptr || test_.meta->clauses.empty() ||
        test_.meta->clauses.front().id == required.clause)
      return "";
    return std::string(" /* ") + required.clause + " */";
  }

  void Start(const Step& step) {
    const std::string peer = std::to_string(step.of);
    if (step.of > 60) why_ = "it has too many peers";
    if (step.actor != 0) why_ = "a peer starts another one";
    if (step.entry->kind == TraceEntry::Kind::kFork) {
      roles_.StartProcess(step.of, step.actor);
      processes_.insert(step.of);
      Line(0, "SETUP((pid[" + peer + "] = fork()) >= 0);");
      Line(0, "if (pid[" + peer + "] == 0) peer" + peer + "(NULL), _exit(0);");
      return;
    }
    roles_.StartThread(step.of, step.actor, step.entry->word[1]);
    threads_.insert(step.of);
    Line(0, "SETUP(pthread_create(&thread[" + peer + "], NULL, peer" + peer + ", NULL) == 0);");
  }

  void Signal(const Step& step, const std::string& peer) {
    const std::string signal = SignalInC(static_cast<int>(step.entry->word[1]));
    const bool thread = threads_.contains(step.of);
    Line(step.actor, thread ? "pthread_kill(thread[" + peer + "], " + signal + ");"
                            : "kill(pid[" + peer + "], " + signal + ");");
  }

  void CloseExcept(const Step& step) {
    std::set<std::int64_t> kept;
    for (int i = 0; i < step.entry->word_count; ++i)
      kept.insert(static_cast<int>(step.entry->word[i]));
    std::string text;
    for (const std::string& fd : roles_.OpenExcept(step.actor, kept))
      text += (text.empty() ? "" : ", ") + ("close(" + fd + ")");
    if (!text.empty()) Line(step.actor, text + ";");
  }

  void Join(const Step& step, const std::string& peer) {
    if (!processes_.contains(step.of) || !joined_.insert(step.of).second) return;
    const auto dies = dies_.find(step.of);
    Line(0, "waitpid(pid[" + peer + "], &status, 0);");
    needs_status_ = true;
    if (dies == dies_.end()) return;
    const std::string signal = SignalInC(static_cast<int>(dies->second->requirement.value));
    Line(0, "MUST(WIFSIGNALED(status) && WTERMSIG(status) == " + signal + ");" +
                Clause(dies->second->requirement));
  }

  // What its clause says, wrapped as a comment, and how to compile it.
  std::string Head() const {
    std::string text = "/* " + test_.name + "\n *\n";
    const auto wrap = [&](std::string_view words) {
      std::string line = " *";
      for (const std::string& word : Split(words, " \n")) {
        if (line.size() + word.size() > 96) text += line + "\n", line = " *";
        line += " " + word;
      }
      text += line + "\n";
    };
    if (!test_.meta->clauses.empty()) {
      const ipcsuite::Clause& clause = Get(test_.meta->clauses.front());
      wrap(std::string(clause.id) + " (" + std::string(clause.source) +
           "): " + std::string(clause.requires_text));
    }
    text +=
        " *\n * cc -std=c11 FILE.c -pthread && ./a.out; exit status 0: conforms, 1: deviates, "
        "77: cannot tell. */\n";
    return text;
  }

  std::string Text(const std::vector<Step>& steps) {
    Runtime runtime;
    runtime.peers = peers_;
    runtime.needs = needs_;
    runtime.blocked = needs_blocked_;
    runtime.processes = !processes_.empty();
    runtime.threads = !threads_.empty();
    runtime.status = needs_status_;
    runtime.semaphores = roles_.semaphores();
    runtime.variables = roles_.variables();
    runtime.removals = roles_.removals();
    runtime.may_stay = may_stay_;
    std::string text;
    for (int peer = 1; peer <= peers_; ++peer) {
      text += "\nstatic void *peer" + std::to_string(peer) +
              "(void *unused) {\n  me = " + std::to_string(peer) + ";\n";
      if (needs_blocked_) text += "  s->tid[me] = (int)syscall(SYS_gettid);\n";
      for (const std::string& line : lines_[peer]) text += "  " + line + "\n";
      text += "  return unused;\n}\n";
    }
    text += "\nint main(void) {\n" + SetUpInC(runtime);
    for (const std::string& line : lines_[0]) text += "  " + line + "\n";
    if (peers_ > 0 && steps.back().actor != 0) {
      text += "  turn(" + std::to_string(turn_ + 1) + ");\n";
    }
    for (const auto& [peer, entry] : cancelled_) {
      text += "  void *end" + std::to_string(peer) + ";\n  pthread_join(thread[" +
              std::to_string(peer) + "], &end" + std::to_string(peer) + ");\n  MUST(end" +
              std::to_string(peer) + " == PTHREAD_CANCELED);" + Clause(entry->requirement) + "\n";
    }
    text += "  end(0, NULL);\n}\n";
    return Head() + RuntimeInC(runtime, text) + text;
  }

  const Slot& slot_;
  const TestEntry& test_;
  const bool passed_;
  bool required_ = false, violated_ = false, needs_blocked_ = false, needs_status_ = false;
  int peers_ = 0, turn_ = 0;
  std::uint64_t may_stay_ = 0;
  Roles roles_;
  Needs needs_;
  std::string why_;
  std::map<int, std::vector<std::string>> lines_;
  std::set<int> processes_, threads_, joined_;
  std::map<int, const TraceEntry*> dies_, cancelled_;
};

}  // namespace

Result<std::string> WriteProgram(const Slot& slot, const TestEntry& test,
                                 const report::TestRecord& record) {
  if (record.verdict == report::Verdict::kUnsupported ||
      record.verdict == report::Verdict::kUnresolved ||
      record.verdict == report::Verdict::kUntested)
    return Error{"the test had no verdict: " + record.reason};
  const auto steps = StepsOf(slot);
  if (!steps) return Error{steps.error()};
  return Program(slot, test, record).Write(*steps);
}

}  // namespace ipcsuite::repro
