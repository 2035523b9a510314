#include "repro/counterexample.h"

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <vector>

#include "base/text.h"
#include "reports/results/finding.h"
#include "repro/layout.h"
#include "repro/runtime.h"

namespace ipcsuite::repro {
namespace {

constexpr std::string_view kShortest = "The shortest program that fails";

// One line of the program: "p2  mq_send(q0, v17, prio 3) = 0".
struct Event {
  int process = 0;
  std::string call, arguments, outcome;
  bool blocked() const { return outcome == " blocked"; }
  bool Has(const char* flag) const {
    return (arguments + ",").find(std::string(", ") + flag + ",") != std::string::npos;
  }
  std::string Argument(const char* before) const {
    const std::regex pattern(std::string(", ") + before + "([0-9]+)");
    std::smatch match;
    return std::regex_search(arguments, match, pattern) ? match[1].str() : "0";
  }
};

class Counterexample {
 public:
  explicit Counterexample(const TestEntry& test) : test_(test) {}

  Result<std::string> Write(const std::string& text) {
    static const std::regex kQueue(R"( +a queue of ([0-9]+) messages)");
    static const std::regex kSemaphore(R"( +a semaphore of value ([0-9]+))");
    static const std::regex kCall(R"( *p([0-9]+)  ([a-z_]+)\(([^)]*)\)(.*))");
    static const std::regex kKill(R"( +SIGKILL for p([0-9]+))");
    static const std::regex kSignal(R"( +a signal that p([0-9]+) (catches|ignores))");
    std::vector<std::string> lines;
    for (const std::string& line : Lines(text)) {
      if (line.empty()) break;
      lines.push_back(line);
    }
    for (std::size_t i = 0; i < lines.size() && why_.empty(); ++i) {
      std::smatch match;
      if (std::regex_match(lines[i], match, kQueue)) {
        messages_ = match[1];
      } else if (std::regex_match(lines[i], match, kSemaphore)) {
        value_ = match[1];
      } else if (std::regex_match(lines[i], match, kKill)) {
        Main("kill(pid[" + Peer(match[1]) + "], SIGKILL);");
        script_.back().parts.push_back("waitpid(pid[" + Peer(match[1]) + "], NULL, 0);");
        issued_.erase(std::stoi(match[1]));
      } else if (std::regex_match(lines[i], match, kSignal)) {
        handler_ = true;
        Main("kill(pid[" + Peer(match[1]) + "], " +
             (match[2] == "catches" ? "SIGUSR1" : "SIGUSR2") + ");");
      } else if (std::regex_match(lines[i], match, kCall)) {
        Add({std::stoi(match[1]), match[2], match[3], match[4]}, i + 1 == lines.size());
      } else {
        why_ = "it is no sequence of calls: " + lines[i];
      }
    }
    if (messages_.empty() && value_.empty()) why_ = "it is about neither a queue nor a semaphore";
    if (!why_.empty()) return Error{why_};
    return Text();
  }

 private:
  static std::string Peer(const std::string& process) {
    return std::to_string(std::stoi(process) + 1);
  }
  void Main(const std::string& text) { script_.push_back({.actor = 0, .parts = {text}}); }

  void Add(const Event& event, bool last) {
    peers_ = std::max(peers_, event.process + 1);
    const int actor = event.process + 1;
    const bool returns = issued_.contains(event.process);
    if (!returns) {
      const std::string how = event.blocked() ? "ISSUE(NEVER, " : "CALL(";
      script_.push_back(
          {.actor = actor, .parts = {how + CallOf(event) + ");"}, .issues = event.blocked()});
    } else {
      script_.push_back({.actor = actor});
      issued_.erase(event.process);
    }
    if (event.blocked()) {
      issued_.insert(event.process);
      if (!last) Main("blocked(" + std::to_string(actor) + ");");
      if (last) JudgeSleepers();
      return;
    }
    const std::string seen = ConditionOf(event);
    script_.back().parts.push_back(last ? "if (" + seen +
                                              ") end(1, \"no order of the calls allows this\");"
                                        : "NEED(" + seen + ");");
    if (!last) return;
    // The outcome may also be that those who wait go on waiting.
    if (!issued_.empty()) JudgeSleepers();
  }

  void JudgeSleepers() {
    std::string all;
    for (const int process : issued_)
      all += (all.empty() ? "" : " && ") + ("sleeps(" + std::to_string(process + 1) + ")");
    Main("if (" + all + ") end(1, \"nobody wakes these calls\");");
  }

  std::string CallOf(const Event& event) {
    const std::string deadline = event.Has("past")   ? "at(CLOCK_REALTIME, -1000)"
                                 : event.Has("near") ? "at(CLOCK_REALTIME, 1)"
                                                     : "at(CLOCK_REALTIME, 3600000)";
    const std::string queue = event.Has("nonblock") ? "nonblocking" : "q";
    const std::string message = "\"" + event.Argument("v") + "\", " +
                                std::to_string(event.Argument("v").size()) + ", " +
                                event.Argument("prio ");
    const auto timed = [&](const std::string& call) { return call + ", " + deadline + ")"; };
    const std::string& name = event.call;
    if (name == "mq_send") return "mq_send(" + queue + ", " + message + ")";
    if (name == "mq_timedsend") return timed("mq_timedsend(" + queue + ", " + message);
    if (name == "mq_receive") return "mq_receive(" + queue + ", buf, 64, &prio)";
    if (name == "mq_timedreceive") return timed("mq_timedreceive(" + queue + ", buf, 64, &prio");
    if (name == "mq_curmsgs") return needs_.attributes = true, "mq_getattr(q, &attr)";
    if (name == "sem_wait")
      return std::string(event.Has("nonblock") ? "sem_trywait" : "sem_wait") + "(&s->sem1)";
    if (name == "sem_trywait" || name == "sem_post") return name + "(&s->sem1)";
    if (name == "sem_timedwait") return timed("sem_timedwait(&s->sem1");
    if (name == "sem_getvalue") return needs_.number = true, "sem_getvalue(&s->sem1, &number)";
    why_ = name + "() of a property is not written in C";
    return "0";
  }

  // That the call ends as it did.
  static std::string ConditionOf(const Event& event) {
    std::smatch match;
    static const std::regex kFails(R"( fails with ([A-Z0-9]+))");
    static const std::regex kMessage(R"( -> v([0-9]+), prio ([0-9]+))");
    static const std::regex kValue(R"( -> (-?[0-9]+))");
    if (std::regex_match(event.outcome, match, kFails)) return "r == -1 && e == " + match[1].str();
    if (std::regex_match(event.outcome, match, kMessage)) {
      const std::string length = std::to_string(match[1].length());
      return "r == " + length + " && memcmp(buf, \"" + match[1].str() + "\", " + length +
             ") == 0 && prio == " + match[2].str();
    }
    if (std::regex_match(event.outcome, match, kValue))
      return (event.call == "mq_curmsgs" ? "attr.mq_curmsgs == " : "number == ") + match[1].str();
    return "r != -1";
  }

  std::string Text() {
    if (!messages_.empty()) needs_.buffer_bytes = 64, needs_.priority = true;
    Runtime runtime = {.peers = peers_, .processes = true, .blocked = true, .needs = needs_};
    std::string set_up;
    if (!messages_.empty()) {
      runtime.variables = {{"mqd_t", "q"}, {"mqd_t", "nonblocking"}};
      runtime.removals = {"mq_unlink(\"/repro-1\")"};
      set_up =
          "  SETUP(q = mq_open(\"/repro-1\", O_RDWR | O_CREAT, 0600,\n"
          "      &(struct mq_attr){.mq_maxmsg = " +
          messages_ +
          ", .mq_msgsize = 64}));\n"
          "  SETUP(nonblocking = mq_open(\"/repro-1\", O_RDWR | O_NONBLOCK));\n";
    } else {
      runtime.shared = {{"sem_t", "sem1"}};
      set_up = "  SETUP(sem_init(&s->sem1, 1, " + value_ + "));\n";
    }
    if (handler_) {
      set_up +=
          "  SETUP(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL));\n"
          "  signal(SIGUSR2, SIG_IGN);\n";
    }
    script_.insert(script_.begin(), Segment{.actor = 0});  // begins when all have started
    const Layout layout = Arrange(script_, peers_);
    std::string text;
    for (int peer = 1; peer <= peers_; ++peer) {
      text += "\nstatic void peer" + std::to_string(peer) + "(void) {\n" + Indented(layout, peer) +
              "  for (;;) pause();\n}\n";
      set_up += "  FORK(" + std::to_string(peer) + ");\n";
    }
    text += "\nint main(void) {\n" + SetUpInC(runtime) + set_up + Indented(layout, 0);
    if (layout.last_turn > 0) text += "  turn(" + std::to_string(layout.last_turn) + ");\n";
    text += "  end(0, NULL);\n}\n";
    return HeadInC(test_, false) + RuntimeInC(runtime, text) + text;
  }

  static std::string Indented(const Layout& layout, int actor) {
    std::string text;
    const auto lines = layout.lines.find(actor);
    if (lines == layout.lines.end()) return text;
    for (const std::string& line : lines->second) text += Wrapped("  " + line) + "\n";
    return text;
  }

  const TestEntry& test_;
  std::string messages_, value_, why_;
  bool handler_ = false;
  int peers_ = 0;
  Needs needs_;
  std::set<int> issued_;
  std::vector<Segment> script_;
};

}  // namespace

Result<std::string> CounterexampleInC(const TestEntry& test, const report::TestRecord& record) {
  const report::Attachment* shortest = report::FindAttachment(record, kShortest);
  if (!shortest)
    return Error{"it is a property: only what makes it fail can be written as a program"};
  if (test.name.find("Free") != std::string::npos || test.name.find("Race") != std::string::npos)
    return Error{"its processes run freely: the failing history is attached for check-history"};
  return Counterexample(test).Write(shortest->content);
}

}  // namespace ipcsuite::repro
