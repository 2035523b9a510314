// What calls stored, as conditions.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>

#include "harness/core/trace_words.h"
#include "repro/arguments.h"

namespace ipcsuite::repro {
namespace {

using K = ParameterKind;

std::string Parenthesized(const std::string& text) {
  return text.find('|') == text.npos ? text : "(" + text + ")";
}

// "polls[0].revents == POLLIN && ..."
std::string PollResults(const TraceEntry& entry) {
  std::string text;
  for (std::size_t at = 0; at < entry.size[0]; at += sizeof(pollfd)) {
    text += " && polls[" + std::to_string(at / sizeof(pollfd)) +
            "].revents == " + Parenthesized(PollBitsInC(Take<pollfd>(entry, 0, at).revents));
  }
  return entry.size[0] == 0 ? "" : text;
}

// " && FD_ISSET(p1[0], &sets[0])" for each descriptor that was asked for.
std::string SetResults(const TraceEntry& entry, int i, const Roles& roles) {
  std::string text;
  const auto asked = Take<std::uint64_t>(entry, i);
  const auto ready = Take<std::uint64_t>(entry, i, sizeof asked);
  for (int fd = 0; fd < 64; ++fd) {
    if (!(asked >> fd & 1)) continue;
    text += std::string(" && ") + (ready >> fd & 1 ? "" : "!") + "FD_ISSET(" +
            roles.Descriptor(entry.actor, fd) + ", &sets[" + std::to_string(i - 1) + "])";
  }
  return text;
}

}  // namespace

std::string ResultsInC(const TraceEntry& entry, const Roles& roles, const Needs& needs) {
  const FunctionShape& shape = ShapeOf(entry.function);
  std::string text;
  for (int i = 0; i < entry.word_count; ++i) {
    if (!(entry.written >> i & 1)) continue;
    const auto number = std::to_string(Take<int>(entry, i));
    const auto field = [&](int n) {
      return std::to_string(Take<long>(entry, i, n * sizeof(long)));
    };
    switch (shape.parameters[i].kind) {
      case K::kBytesOut:
        if (entry.requirement.what == Requirement::kSetup)
          text += " && r == " + std::to_string(entry.value);
        if (!needs.bytes_are_known || entry.value <= 0 || entry.size[i] != entry.value) break;
        text += " && memcmp(buf, " + LiteralInC(CopyOf(entry, i)) + ", " +
                std::to_string(entry.value) + ") == 0";
        break;
      case K::kUnsignedOut: text += " && prio == " + number; break;
      case K::kIntOut: text += " && number == " + number; break;
      case K::kAttributesOut:
        text += " && attr.mq_curmsgs == " + field(3);
        text += (Take<long>(entry, i) & O_NONBLOCK) ? " && attr.mq_flags & O_NONBLOCK"
                                                    : " && !(attr.mq_flags & O_NONBLOCK)";
        break;
      case K::kInfoOut: {
        siginfo_t info{};
        std::memcpy(&info, entry.memory + entry.at[i],
                    std::min<std::size_t>(sizeof info, entry.size[i]));
        text += " && info.si_signo == " + SignalInC(info.si_signo);
        if (info.si_code == SI_MESGQ) text += " && info.si_code == SI_MESGQ";
        if (info.si_code == SI_USER) text += " && info.si_code == SI_USER";
        if (info.si_code == SI_QUEUE) text += " && info.si_code == SI_QUEUE";
        break;
      }
      case K::kOpaqueOut: {
        const std::string_view bytes = CopyOf(entry, i).substr(
            std::min<std::size_t>(entry.size[i], entry.word[i + 1] * sizeof(iovec)));
        if (needs.bytes_are_known && entry.value > 0 &&
            bytes.size() == static_cast<std::size_t>(entry.value))
          text += " && memcmp(buf, " + LiteralInC(bytes) + ", " + std::to_string(entry.value) +
                  ") == 0";
        break;
      }
      case K::kFdSet: text += SetResults(entry, i, roles); break;
      case K::kPolls: text += PollResults(entry); break;
      default: break;
    }
  }
  return text;
}

}  // namespace ipcsuite::repro
