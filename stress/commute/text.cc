// The matrix for a terminal.
#include <cstdio>
#include <cstring>

#include "stress/commute/commute.h"

namespace ipcsuite::stress {
namespace {

template <class... Values>
std::string Format(const char* format, Values... values) {
  char text[200];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

std::string CellText(const CommutePair* pair) {
  if (pair == nullptr || pair->kept_a.empty()) return "    -";
  const char mark = pair->scaling == Scaling::kDoesNotScale ? '!'
                    : pair->scaling == Scaling::kUndecided  ? '?'
                                                            : ' ';
  return Format("%4.2f%c", pair->speedup.value, mark);
}

std::string Listed(const CommutePair& pair) {
  return Format("  %.2f (%.2f to %.2f)  %s\n", pair.speedup.value, pair.speedup.low,
                pair.speedup.high, pair.Text().c_str());
}

}  // namespace

std::string CommuteText(const CommuteResult& result) {
  if (!result.note.empty()) return "commute: not measured: " + result.note + "\n";
  std::string out = Format(
      "Calls on objects of their own, on cpus %d and %d: speed-up over one process (2: neither "
      "hinders the other).\n'!' does not scale: below %.0f %% of the %.2f of two processes without "
      "calls; '?' undecided.\n",
      result.cpus[0], result.cpus[1], 100 * kScales, result.yardstick);
  if (result.busy())
    out += Format(
        "The machine is busy (%zu rounds; %zu are needed), so nothing is decided: run this "
        "on a quiet one, or for longer.\n",
        result.rounds, kRoundsMin);
  std::size_t width = std::strlen("one object");
  for (const CommuteCall* const call : result.calls)
    width = std::max(width, std::strlen(call->name));
  const int w = static_cast<int>(width);
  out += Format("   %-*s", w, "");
  for (std::size_t i = 0; i < result.calls.size(); ++i) out += Format(" %4zu ", i + 1);
  out += "   one object\n";
  for (std::size_t i = 0; i < result.calls.size(); ++i) {
    out += Format("%2zu %-*s", i + 1, w, result.calls[i]->name);
    for (std::size_t j = 0; j < result.calls.size(); ++j)
      out += " " + CellText(j > i ? nullptr : result.Find(result.calls[i], result.calls[j], false));
    out += "   " + CellText(result.Find(result.calls[i], result.calls[i], true)) + "\n";
  }
  const auto list = [&](const char* title, Scaling scaling, bool one_object) {
    const auto pairs = result.With(scaling, one_object);
    if (pairs.empty()) return;
    out += title;
    for (const CommutePair* const pair : pairs) out += Listed(*pair);
  };
  list("Does not scale although the calls commute (speed-up, 95 % interval):\n",
       Scaling::kDoesNotScale, false);
  if (!result.busy()) {
    list("Undecided (the interval holds the limit; more --time decides):\n", Scaling::kUndecided,
         false);
  }
  list("Does not scale on one object (these calls need not commute):\n", Scaling::kDoesNotScale,
       true);
  for (const auto& [call, why] : result.missing) out += call + ": not measured: " + why + "\n";
  return out;
}

}  // namespace ipcsuite::stress
