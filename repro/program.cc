#include "repro/program.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "harness/core/call.h"
#include "harness/core/trace_words.h"
#include "repro/arguments.h"
#include "repro/checks.h"
#include "repro/counterexample.h"
#include "repro/layout.h"
#include "repro/runtime.h"
#include "repro/steps.h"
#include "spec/clause.h"

namespace ipcsuite::repro {
namespace {

using What = Step::What;

class Program {
 public:
  Program(const Slot& slot, const TestEntry& test, const report::TestRecord& record)
      : slot_(slot), test_(test), passed_(record.failures.empty()) {
    const int actors = std::min<int>(slot.actors_used.load(), Slot::kActorsMax);
    for (int i = 0; i < actors; ++i) roles_.SetPid(i, slot.actors[i].pid.load());
    roles_.SetPid(0, slot.actors[0].pid.load());
    if (passed_) return;
    NoteReturnedWaiter(slot);
    compared_ = FailedComparisons(slot);
  }

  Result<std::string> Write() {
    const auto steps = StepsOf(slot_, compared_);
    if (!steps) return Error{steps.error()};
    bool required = false, violated = false;
    for (const Step& step : *steps) {
      peers_ = std::max(peers_, std::max<int>(step.actor, step.what == What::kStart ? step.of : 0));
      required = required || IsCheck(step) || compared_.contains(step.entry);
      violated = violated || Fails(step);
      NoteLongBytes(*step.entry);
    }
    if (!required) return Error{"none of its checks is one of a call's outcome"};
    if (!passed_ && !violated)
      return Error{"what failed is not the outcome of a call, but what the test made of it"};
    NoteSurroundings(*steps);
    for (const Step& step : *steps) {
      Perform(step);
      if (!passed_ && Fails(step)) failing_ = static_cast<std::ptrdiff_t>(script_.size()) - 1;
    }
    if (!pending_.empty() && why_.empty()) why_ = "chance decides whether a thread is cancelled";
    if (!why_.empty()) return Error{why_};
    if (failing_ >= 0 && !numbers_) KeepWhatLeadsTo(static_cast<std::size_t>(failing_), script_);
    RemoveUnused(script_);
    CountRepetitions(script_);
    ForgetPeersThatDoNotStart();
    const std::string text = Text();
    constexpr std::ptrdiff_t kLinesMax = 300;
    if (std::ranges::count(text, '\n') > kLinesMax) return Error{"it would be too long to be read"};
    return text;
  }

 private:
  static bool IsCheck(const Step& step) {
    const Requirement::What what = step.entry->requirement.what;
    return step.what == What::kBlocked ||
           (what != Requirement::kNone && what != Requirement::kOpen &&
            what != Requirement::kSetup);
  }

  bool Fails(const Step& step) const {
    const Requirement& requirement = step.entry->requirement;
    return compared_.contains(step.entry) ||
           (requirement.what != Requirement::kNone && !requirement.held);
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

  // Whether the numbers of descriptors matter, and the directory that other users need.
  void NoteSurroundings(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      if (step.what == What::kReturn) returning_.insert(step.entry);
      if (step.what == What::kExit) ends_.insert(step.actor);
      // Also without the end of its script: by _exit() in a step.
      if (step.what == What::kJoin && WIFEXITED(static_cast<int>(step.entry->word[1])))
        ends_.insert(step.of);
      if (step.what == What::kBlocked) last_blocked_[step.of] = step.at;
      const TraceEntry& entry = *step.entry;
      const bool other = ShapeOf(entry.function).parameters[0].kind == ParameterKind::kDirFd &&
                         static_cast<int>(entry.word[0]) != AT_FDCWD;
      const bool links = entry.function == Function::symlink && CopyOf(entry, 0).starts_with('/');
      if (step.what == What::kBecome || links || (other && CopyOf(entry, 1).starts_with('/')))
        roles_.UseDirectory();
      numbers_ = numbers_ || step.what == What::kFull || NumbersMatter(entry);
      if (first_number_ < 0 && entry.actor == 0 && !entry.failed && entry.ended != 0)
        first_number_ = NumberMade(entry);
    }
  }

  void Perform(const Step& step) {
    const std::string peer = std::to_string(step.of);
    const bool named = step.what == What::kBlocked || step.what == What::kSignal;
    if (named && step.actor != 0 && step.of > step.actor && processes_.contains(step.of))
      why_ = "a process signals one that began later";
    switch (step.what) {
      case What::kCall: return Call(step, "CALL");
      case What::kIssue: return Call(step, "ISSUE");
      case What::kReturn:
        Add(step.actor);
        script_.back().returns = true;
        return Check(*step.entry);
      case What::kStart: return Start(step);
      case What::kBlocked:
        if (!step.entry->requirement.held && step.entry->kind == TraceEntry::Kind::kCall)
          return Add(step.actor, "MUST(sleeps(" + peer + "));");
        needs_blocked_ = true;
        return Add(step.actor, "blocked(" + peer + ");" + Clause(step.entry->requirement));
      case What::kSignal: return Signal(step, peer);
      case What::kFill: needs_.fill = true; return Add(step.actor, "fill(" + Fd(step) + ");");
      case What::kDrain: needs_.drain = true; return Add(step.actor, "drain(" + Fd(step) + ");");
      case What::kCloseExcept: return CloseExcept(step);
      case What::kBecome: return Become(step);
      case What::kFull:
        return Add(step.actor, "full(" + std::to_string(step.entry->word[0]) + ");");
      case What::kJoin: return Join(step, peer);
      case What::kExit:
        Add(step.actor);
        script_.back().gives_up = true;
        return;
    }
  }

  void ForgetPeersThatDoNotStart() {
    std::set<int> started;
    for (const Segment& segment : script_) started.insert(segment.starts);
    for (std::set<int>* peers : {&processes_, &threads_})
      std::erase_if(*peers, [&](int peer) { return !started.contains(peer); });
  }

  // Begins what an actor does in one step.
  void Add(int actor, const std::string& text = "") {
    script_.push_back({.actor = actor});
    if (!text.empty()) More(text);
  }
  void More(const std::string& text) { script_.back().parts.push_back(text); }

  std::string Fd(const Step& step) const {
    return roles_.Descriptor(step.actor, static_cast<int>(step.entry->word[0]));
  }

  void Call(const Step& step, std::string how) {
    const TraceEntry& entry = *step.entry;
    const Requirement::What what = entry.requirement.what;
    const bool gone = what == Requirement::kDies || what == Requirement::kIsCancelled;
    const bool pending = what == Requirement::kIsCancelled && pending_.contains(step.actor);
    if (pending) how = "ISSUE";
    const std::string call = CallInC(entry, roles_, needs_, &why_);
    const bool stays = peers_ > 0 && !gone && entry.ended == 0 && !MustReturn(entry);
    if (stays) how = "ISSUE";
    const char* due = gone ? "0, " : returning_.contains(&entry) ? "@, " : "NEVER, ";
    Add(step.actor, how + "(" + (how == "ISSUE" ? due : "") + call + ");");
    const bool unjudged = what == Requirement::kNone || what == Requirement::kSetup;
    script_.back().places = how != "ISSUE" && (IsRaw(entry) || (unjudged && !numbers_)) &&
                            Places(entry) && !compared_.contains(&entry);
    script_.back().issues = how == "ISSUE";
    script_.back().gives_up = GivesUp(entry);
    if (how == "CALL") Check(entry);
    // A thread that is cancelled, or a process that is killed, must not come back.
    if (gone) More("MUST(!\"come back from the call\");" + Clause(entry.requirement));
    if (what == Requirement::kDies) dies_[step.actor] = &entry;
    if (what == Requirement::kIsCancelled) cancelled_[step.actor] = &entry;
    if (pending) {
      Add(0);
      AwaitCancelled(step.actor);
    }
    if (entry.function != Function::pthread_cancel) return;
    const int cancelled = roles_.ActorOfThread(entry.word[0]);
    if (const auto at = last_blocked_.find(cancelled);
        at != last_blocked_.end() && at->second > step.at)
      why_ = "a cancelled thread stays blocked";
    AwaitCancelled(cancelled);
  }

  void AwaitCancelled(int peer) {
    const auto found = cancelled_.find(peer);
    if (found == cancelled_.end()) {
      pending_.insert(peer);
      return;
    }
    More("pthread_join(thread[" + std::to_string(peer) + "], &ended);");
    More("MUST(ended == PTHREAD_CANCELED);" + Clause(found->second->requirement));
    cancelled_.erase(found);
    pending_.erase(peer);
  }

  void Check(const TraceEntry& entry) {
    const bool own = !IsRaw(entry);
    if (const auto compared = compared_.find(&entry); compared != compared_.end())
      More("MUST(" + compared->second + ");");
    Requirement required = entry.requirement;
    if (required.what == Requirement::kReturns && required.held && entry.value != required.value)
      why_ = "a check is about what the test made of a call's value: " + std::string(entry.text);
    const bool seen = required.what == Requirement::kNone && own && passed_;
    if (required.what == Requirement::kNone && !own && !entry.failed && entry.ended != 0)
      required.what = Requirement::kSetup;
    if (seen) required = AsSeen(entry);
    if (required.what == Requirement::kNone || required.what == Requirement::kOpen) return;
    std::string condition = ConditionOf(entry, required);
    const std::string results =
        passed_ && !entry.failed && own ? ResultsInC(entry, roles_, needs_) : "";
    if (condition.empty()) return;
    if (required.what == Requirement::kSetup || seen) {
      Need(condition, !seen || condition == "r != -1" || condition == "r == 0");
      if (!results.empty()) More("MUST(" + results.substr(4) + ");");
      return;
    }
    if (!results.empty() && required.what == Requirement::kMayFail)
      condition = "(" + condition + ")";
    More("MUST(" + condition + results + ");" + Clause(required));
  }

  // The set-up has this outcome, or nothing can be told.
  void Need(const std::string& condition, bool setup) {
    std::vector<std::string>& parts = script_.back().parts;
    const bool zero = condition == "r == 0";
    if (setup && (zero || condition == "r != -1") && !parts.empty() &&
        parts.back().starts_with("CALL(")) {
      parts.back() = (zero ? "ZERO(" : "SETUP(") + parts.back().substr(5);
    } else {
      More("NEED(" + condition + ");");
    }
  }

  // " /* clause */" where one is checked for the first time that the test is not about.
  std::string Clause(const Requirement& required) {
    if (required.clause == nullptr || test_.meta->clauses.empty() ||
        test_.meta->clauses.front().id == required.clause ||
        !named_clauses_.insert(required.clause).second)
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
      Add(0, "FORK(" + peer + ");");
      script_.back().starts = step.of;
      return;
    }
    roles_.StartThread(step.of, step.actor, step.entry->word[1]);
    threads_.insert(step.of);
    Add(0, "THREAD(" + peer + ");");
    script_.back().starts = step.of;
  }

  void Signal(const Step& step, const std::string& peer) {
    const std::string signal = SignalInC(static_cast<int>(step.entry->word[1]));
    const bool thread = threads_.contains(step.of);
    Add(step.actor, thread ? "pthread_kill(thread[" + peer + "], " + signal + ");"
                           : "kill(pid[" + peer + "], " + signal + ");");
  }

  void CloseExcept(const Step& step) {
    std::set<std::int64_t> kept;
    std::string but;
    for (int i = 0; i < step.entry->word_count; ++i) {
      const int fd = static_cast<int>(step.entry->word[i]);
      kept.insert(fd);
      but += "fd == " + roles_.Descriptor(step.actor, fd) + " || ";
    }
    const std::vector<std::string> others = roles_.CloseExcept(step.actor, kept);
    if (numbers_)
      return Add(step.actor,
                 "for (int fd = 3; fd < 1024; ++fd) (void)(" + but + "close(fd) == 0);");
    std::string text;
    for (const std::string& fd : others) text += (text.empty() ? "" : ", ") + ("close(" + fd + ")");
    if (!text.empty()) Add(step.actor, text + ";");
  }

  void Become(const Step& step) {
    const TraceEntry& entry = *step.entry;
    const std::string user = std::to_string(entry.word[0]), group = std::to_string(entry.word[1]);
    Add(step.actor, "NEED(setgroups(0, NULL) == 0);");
    More("NEED(setgid(" + group + ") == 0 && setuid(" + user + ") == 0);");
    if (step.actor == 0) why_ = "the test itself becomes another user";
  }

  void Join(const Step& step, const std::string& peer) {
    if (!processes_.contains(step.of) || !joined_.insert(step.of).second) return;
    const auto dies = dies_.find(step.of);
    if (dies == dies_.end()) return Add(0, "waitpid(pid[" + peer + "], NULL, 0);");
    Add(0, "waitpid(pid[" + peer + "], &status, 0);");
    const std::string signal = SignalInC(static_cast<int>(dies->second->requirement.value));
    More("MUST(WIFSIGNALED(status) && WTERMSIG(status) == " + signal + ");" +
         Clause(dies->second->requirement));
  }

  std::string Text() {
    const Layout layout = Arrange(script_, peers_);
    std::string text;
    for (int peer = 1; peer <= peers_; ++peer) {
      const auto lines = layout.lines.find(peer);
      if (lines == layout.lines.end() && !processes_.contains(peer) && !threads_.contains(peer))
        continue;
      std::vector<std::string> body;
      if (lines != layout.lines.end()) body = lines->second;
      const bool thread = threads_.contains(peer);
      std::string first = thread ? "me = " + std::to_string(peer) + ";" : "";
      if (needs_blocked_ && thread) first += " s->tid[me] = (int)syscall(SYS_gettid);";
      if (thread) body.insert(body.begin(), first);
      const bool waits =
          !ends_.contains(peer) && !dies_.contains(peer) && !cancelled_.contains(peer);
      if (waits) body.push_back("for (;;) pause();");
      if (thread) body.push_back("return unused;");
      const std::string name = "peer" + std::to_string(peer);
      text += (thread ? "\nstatic void *" + name + "(void *unused) {\n"
                      : "\nstatic void " + name + "(void) {\n") +
              Block(body) + "}\n";
    }
    std::string main;
    const auto lines = layout.lines.find(0);
    if (lines != layout.lines.end()) main = Block(lines->second);
    if (layout.last_turn > 0) main += "  turn(" + std::to_string(layout.last_turn) + ");\n";
    std::vector<Variable> variables = roles_.variables(), shared = roles_.shared();
    const auto unused = [&](const Variable& variable) {
      return !Names(main, variable.name) && !Names(text, variable.name);
    };
    std::erase_if(variables, unused);
    std::erase_if(shared, unused);
    Runtime runtime = {.peers = peers_,
                       .processes = !processes_.empty(),
                       .threads = !threads_.empty(),
                       .blocked = needs_blocked_,
                       .status = main.find("&status") != main.npos,
                       .end = main.find("&ended") != main.npos,
                       .numbers = numbers_ ? std::max(3, first_number_) : 0,
                       .directory = roles_.directory(),
                       .directories = roles_.directories(),
                       .needs = needs_,
                       .variables = std::move(variables),
                       .shared = std::move(shared),
                       .removals = roles_.Removals(main + text)};
    text += "\nint main(void) {\n" + SetUpInC(runtime) + main + "  end(0, NULL);\n}\n";
    return HeadInC(test_, passed_) + RuntimeInC(runtime, text) +
           (peers_ == 0 ? WithoutSharing(text) : text);
  }

  const Slot& slot_;
  const TestEntry& test_;
  const bool passed_;
  bool needs_blocked_ = false, numbers_ = false;
  int peers_ = 0, first_number_ = -1;
  std::ptrdiff_t failing_ = -1;  // the segment with the check that fails
  Roles roles_;
  Needs needs_;
  std::string why_;
  std::vector<Segment> script_;
  std::map<const TraceEntry*, std::string> compared_;
  std::set<int> processes_, threads_, joined_, ends_, pending_;  // pending: its cancellation
  std::map<int, const TraceEntry*> dies_, cancelled_;
  std::set<const TraceEntry*> returning_;  // issued calls
  std::set<std::string_view> named_clauses_;
  std::map<int, std::uint32_t> last_blocked_;  // where in the order
};

}  // namespace

Result<std::string> WriteProgram(const Slot& slot, const TestEntry& test,
                                 const report::TestRecord& record) {
  if (record.suite == "props") return CounterexampleInC(test, record);
  if (record.verdict == report::Verdict::kUnsupported ||
      record.verdict == report::Verdict::kUnresolved ||
      record.verdict == report::Verdict::kUntested)
    return Error{"the test had no verdict: " + record.reason};
  return Program(slot, test, record).Write();
}

}  // namespace ipcsuite::repro
