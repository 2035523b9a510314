// The map of calls that commute: what hinders what.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "stress/campaign/drawing.h"
#include "stress/campaign/plots.h"

namespace ipcsuite::stress {
namespace {

constexpr double kBox = 30, kTop = 160;

// How dark a box is: a pair that scales is empty, one whose processes take turns is full.
double Shade(double speedup) { return 0.04 + 0.86 * std::clamp(2 - speedup, 0.0, 1.0); }

std::string Box(double x, double y, const CommutePair& pair) {
  if (pair.kept_a.empty()) return "";
  char text[400];
  std::snprintf(text, sizeof text,
                "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='#d55e00' "
                "fill-opacity='%.2f'%s><title>%s: %.2f (%.2f to %.2f), %s</title></rect>\n",
                x, y, kBox - 1, kBox - 1, Shade(pair.speedup.value),
                pair.scaling == Scaling::kDoesNotScale ? " stroke='currentColor'" : "",
                pair.Text().c_str(), pair.speedup.value, pair.speedup.low, pair.speedup.high,
                std::string(ToString(pair.scaling)).c_str());
  char number[16];
  std::snprintf(number, sizeof number, "%.1f", pair.speedup.value);
  return text + Text(x + kBox / 2, y + kBox / 2 + 4, number, "middle", "font-size='10'");
}

}  // namespace

Plot CommuteMap(const CommuteResult& result) {
  if (result.pairs.empty()) return {};
  const auto n = static_cast<double>(result.calls.size());
  std::size_t letters = 0;
  for (const CommuteCall* const call : result.calls)
    letters = std::max(letters, std::strlen(call->name));
  const double left = 16 + 7 * static_cast<double>(letters);
  const std::string title = "Calls that commute";
  char yardstick[64];
  std::snprintf(yardstick, sizeof yardstick, "%.2f", result.yardstick);
  const std::string description =
      "Speed-up of two processes on two cpus, each with a call on objects of its own, over one: 2 "
      "where neither hinders the other, 1 where they take turns. Dark and framed: does not scale, "
      "compared with the " +
      std::string(yardstick) +
      " of two loops without calls. Last column: both processes with the call of the row on one "
      "object, which need not scale.";
  std::string out = Open(left + kBox * (n + 1.5) + 60, kTop + kBox * n + 8, title, description);
  for (std::size_t i = 0; i < result.calls.size(); ++i) {
    const auto at = static_cast<double>(i);
    const double y = kTop + kBox * at;
    out += Text(left - 6, y + kBox / 2 + 4, result.calls[i]->name, "end");
    const double x = left + kBox * at;
    const std::string turn =
        "transform='rotate(-60 " + Num(x + kBox / 2) + " " + Num(kTop - 8) + ")'";
    out += Text(x + kBox / 2, kTop - 8, result.calls[i]->name, "start", turn.c_str());
    for (std::size_t j = 0; j <= i; ++j) {
      if (const CommutePair* const pair = result.Find(result.calls[i], result.calls[j], false))
        out += Box(left + kBox * static_cast<double>(j), y, *pair);
    }
    if (const CommutePair* const pair = result.Find(result.calls[i], result.calls[i], true))
      out += Box(left + kBox * (n + 0.5), y, *pair);
  }
  const double x = left + kBox * (n + 1);
  const std::string turn = "transform='rotate(-60 " + Num(x) + " " + Num(kTop - 8) + ")'";
  out += Text(x, kTop - 8, "one object", "start", turn.c_str());
  return {title, description, out + "</svg>\n"};
}

}  // namespace ipcsuite::stress
