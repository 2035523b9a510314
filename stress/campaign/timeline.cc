// The time line of the nemeses, and the map of the latency from core to core.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>

#include "stress/campaign/drawing.h"
#include "stress/campaign/plots.h"
#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {

Plot HeatMap(const CoreMatrix& matrix) {
  const std::size_t n = matrix.cpus.size();
  if (n < 2 || matrix.ns.empty()) return {};
  double low = 1e18, high = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (i == j || matrix.ns[i][j] <= 0) continue;
      low = std::min(low, matrix.ns[i][j]);
      high = std::max(high, matrix.ns[i][j]);
    }
  }
  const double cell = std::clamp(520.0 / static_cast<double>(n), 9.0, 64.0);
  const double size = cell * static_cast<double>(n);
  const std::size_t every = cell >= 24 ? 1 : cell >= 12 ? 2 : 4;  // rows and columns with a number
  const std::string title = "Core-to-core latency";
  char range[128];
  std::snprintf(range, sizeof range,
                "One-way time to hand a cache line over, in ns, from row to column: %.0f to %.0f.",
                low, high);
  std::string out = Open(size + 80, size + 40, title, range);
  for (std::size_t i = 0; i < n; ++i) {
    const double y = 30 + cell * static_cast<double>(i);
    if (i % every == 0) {
      out += Text(44, y + cell / 2 + 4, std::to_string(matrix.cpus[i]), "end");
      out += Text(50 + cell * (static_cast<double>(i) + 0.5), 22, std::to_string(matrix.cpus[i]),
                  "middle");
    }
    for (std::size_t j = 0; j < n; ++j) {
      const double x = 50 + cell * static_cast<double>(j);
      const double v = matrix.ns[i][j];
      const double share = high > low ? (v - low) / (high - low) : 0.5;
      char box[220];
      std::snprintf(box, sizeof box,
                    "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='#d55e00' "
                    "fill-opacity='%.2f'><title>cpu %d to cpu %d: %.0f ns</title></rect>\n",
                    x, y, cell - 1, cell - 1, i == j || v <= 0 ? 0.04 : 0.15 + 0.75 * share,
                    matrix.cpus[i], matrix.cpus[j], v);
      out += box;
      if (cell >= 28 && i != j)
        out += Text(x + cell / 2, y + cell / 2 + 4, Label(std::round(v)), "middle");
    }
  }
  return {title, std::string(range) + (matrix.note.empty() ? "" : " " + matrix.note),
          out + "</svg>\n"};
}

namespace {

constexpr double kRowHeight = 40;

double RowOf(int worker) { return 30 + kRowHeight * static_cast<double>(worker); }

// Marks of one row that would cover each other stand above and below it.
class Levels {
 public:
  // How far from the row's line a mark at x goes; nothing if there is no room. x must not decrease.
  std::optional<double> Place(int worker, double x) {
    constexpr double kOffsets[] = {0, -12, 12}, kMarkDrawingWidth = 10;
    auto& taken = taken_[worker];
    for (std::size_t level = 0; level < std::size(kOffsets); ++level) {
      if (x < taken[level] + kMarkDrawingWidth) continue;
      taken[level] = x;
      return kOffsets[level];
    }
    return std::nullopt;
  }

 private:
  std::map<int, std::array<double, 3>> taken_;
};

std::string DrawEvent(const NemesisEvent& e, double x, double y) {
  const NemesisMark& drawn = e.end ? e.by->end_mark : e.by->mark;
  char mark[260];
  std::snprintf(mark, sizeof mark,
                "<text x='%.1f' y='%.1f' text-anchor='middle' font-weight='bold' fill='%s'>%c"
                "<title>%s of pid %d at %.3f ms; its call: %s</title></text>\n",
                x, y + 4, drawn.colour, drawn.letter, drawn.name, static_cast<int>(e.pid),
                static_cast<double>(e.t_ns) / 1e6, ToString(e.call));
  return mark;
}

// What the letters stand for, in a line.
std::string MarkLegend(double y) {
  std::string out;
  double x = 84;
  for (const NemesisInfo* nemesis : AllRows<NemesisInfo>()) {
    for (const NemesisMark& mark : {nemesis->mark, nemesis->end_mark}) {
      if (mark.name == nullptr) continue;
      const std::string fill = std::string("font-weight='bold' fill='") + mark.colour + "'";
      out += Text(x, y, std::string(1, mark.letter), "start", fill.c_str()) +
             Text(x + 14, y, mark.name, "start");
      x += 30 + 7 * static_cast<double>(std::char_traits<char>::length(mark.name));
    }
  }
  return out;
}

}  // namespace

Plot TimeLine(const Cell& cell) {
  const SliceResult* chosen = nullptr;
  for (const SliceResult& slice : cell.slices) {
    if (!slice.events.empty() && chosen == nullptr) chosen = &slice;
  }
  if (chosen == nullptr) return {};
  constexpr std::size_t kShown = 300;
  const std::size_t shown = std::min(kShown, chosen->events.size());
  const double last = std::max(1.0, static_cast<double>(chosen->events[shown - 1].t_ns));
  const auto workers = static_cast<double>(chosen->workers.size());
  const double height = 30 + workers * kRowHeight + 48;
  const std::string title = "Nemeses over time: " + ShortName(cell);
  std::string rows, marks;
  for (std::size_t i = 0; i < chosen->workers.size(); ++i) {
    const double y = RowOf(static_cast<int>(i));
    rows += Text(78, y + 4,
                 (chosen->workers[i].role == Role::kProducer ? "producer " : "consumer ") +
                     std::to_string(i),
                 "end");
    rows += "<line x1='84' x2='" + Num(kDrawingWidth - 10) + "' y1='" + Num(y) + "' y2='" + Num(y) +
            "' stroke='currentColor' stroke-opacity='0.3'/>\n";
  }
  Levels levels;
  std::size_t hidden = 0;
  for (std::size_t i = 0; i < shown; ++i) {
    const NemesisEvent& e = chosen->events[i];
    const double x = 84 + static_cast<double>(e.t_ns) / last * (kDrawingWidth - 100);
    const std::optional<double> offset = levels.Place(e.worker, x);
    hidden += !offset;
    if (offset) marks += DrawEvent(e, x, RowOf(e.worker) + *offset);
  }
  std::string description =
      "One row for each process. The text of a mark says in which call the process was.";
  if (hidden > 0)
    description += " " + std::to_string(hidden) + " of " + std::to_string(shown) +
                   " marks have no room beside the others and are left out.";
  return {title, description,
          Open(kDrawingWidth, height, title, description) + rows + marks +
              Text(84, height - 32, "0", "start") +
              Text(kDrawingWidth - 10, height - 32, Label(last / 1e6) + " ms", "end") +
              MarkLegend(height - 10) + "</svg>\n"};
}

}  // namespace ipcsuite::stress
