#include "props/history/lanes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace ipcsuite::props {
namespace {

constexpr int kLeft = 56;
constexpr int kRight = 90;  // for the label of the last operation
constexpr int kTop = 30;
constexpr int kLane = 44;
constexpr int kStep = 34;  // pixels for each event

std::string Escape(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '&': safe += "&amp;"; break;
      case '"': safe += "&quot;"; break;
      default: safe += c;
    }
  }
  return safe;
}

// Values of recorded histories name their producer and its count: "3.17" is the 17th of p3.
std::string ShortValue(std::uint64_t value) {
  const std::uint64_t producer = value >> 32;
  return producer == 0 ? fmt::format("v{}", value)
                       : fmt::format("v{}.{}", producer - 1, value & 0xffffffff);
}

// What stands on the bar: short, the whole is in its title.
std::string Label(const Op& op) {
  if (IsSend(op.call)) return fmt::format("send {} pr{}", ShortValue(op.value), op.priority);
  if (IsReceive(op.call)) {
    if (!op.Returned()) return "receive";
    return op.Ok() ? fmt::format("recv {} pr{}", ShortValue(op.value), op.priority)
                   : "recv " + ErrorName(op.error);
  }
  if (op.call == Call::kWrite) return fmt::format("write {} {}", ShortValue(op.value), op.amount);
  if (op.call == Call::kRead) return fmt::format("read {}", op.result);
  return std::string(Name(op.call)) + fmt::format(" {}", op.value);
}

// The operations to draw: all if they are few, otherwise those nearest to the offending ones.
std::vector<std::size_t> Select(const History& history, const std::set<std::size_t>& offending,
                                std::size_t max_ops) {
  std::vector<std::size_t> all(history.ops.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  if (all.size() <= max_ops) return all;
  const auto distance = [&](std::size_t i) {
    std::size_t least = i;
    for (const std::size_t o : offending) least = std::min(least, i > o ? i - o : o - i);
    return least;
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](std::size_t a, std::size_t b) { return distance(a) < distance(b); });
  all.resize(max_ops);
  std::sort(all.begin(), all.end());
  return all;
}

struct Frame {
  std::map<std::uint64_t, int> column;  // of a ticket
  std::map<std::uint16_t, int> lane;    // of a process
  int columns = 0;
  int Width() const { return kLeft + (columns + 1) * kStep + kRight; }
  int Height() const { return kTop + static_cast<int>(lane.size()) * kLane + 24; }
};

Frame Lay(const History& history, const std::vector<std::size_t>& shown) {
  Frame frame;
  for (const std::size_t i : shown) {
    const Op& op = history.ops[i];
    frame.column[op.invoke] = 0;
    if (op.ret != 0) frame.column[op.ret] = 0;
    frame.lane[op.process] = 0;
  }
  for (auto& [ticket, column] : frame.column) column = frame.columns++;
  int next = 0;
  for (auto& [process, lane] : frame.lane) lane = next++;
  return frame;
}

// Fill and outline are classes of their own, and an offending bar is hatched by a thick dashed
// outline and a mark, so that colour is not needed to see it.
constexpr const char* kStyle =
    "<style>.l{stroke:#999;stroke-width:1}.o{fill:#cfe3f7;stroke:#2b5c8a}.f{fill:#eee;stroke:#777}"
    ".x{fill:#ffd6cc;stroke:#a11;stroke-width:2.5;stroke-dasharray:5 2}"
    "text{font:11px sans-serif;fill:#111}.n{font-weight:bold}"
    "@media(prefers-color-scheme:dark){.o{fill:#1d3f5f;stroke:#8ab8e6}.f{fill:#333;stroke:#999}"
    ".x{fill:#5a1f1a;stroke:#ff9a8a}text{fill:#eee}}</style>";

std::string Bar(const Op& op, const Frame& frame, bool marked) {
  const int x0 = kLeft + frame.column.at(op.invoke) * kStep;
  const bool open = op.ret == 0;
  const int x1 = open ? frame.Width() - kRight : kLeft + frame.column.at(op.ret) * kStep;
  const int y = kTop + frame.lane.at(op.process) * kLane + 8;
  const char* kind = marked ? "x" : op.Returned() && !op.Ok() ? "f" : "o";
  std::string text = fmt::format(
      "<g><title>{}</title><rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"16\" "
      "rx=\"3\"/>",
      Escape(Describe(op)), kind, x0, y, std::max(x1 - x0, 8));
  std::string label = Label(op);
  if (!op.Returned()) label += " (" + std::string(Name(op.fate)) + ")";
  if (marked) label = "! " + label;
  text += fmt::format("<text x=\"{}\" y=\"{}\">{}</text></g>\n", x0 + 2, y + 28, Escape(label));
  return text;
}

}  // namespace

std::string DrawLanes(const History& history, const std::vector<std::size_t>& offending,
                      std::size_t max_ops) {
  const std::set<std::size_t> marked(offending.begin(), offending.end());
  const std::vector<std::size_t> shown = Select(history, marked, max_ops);
  const Frame frame = Lay(history, shown);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" "
      "role=\"img\"><title>{2} of {3} operations, one lane per process, events in order from left "
      "to "
      "right; offending ones are marked with !</title>{4}\n",
      frame.Width(), frame.Height(), shown.size(), history.ops.size(), kStyle);
  if (shown.size() < history.ops.size()) {
    svg += fmt::format("<text x=\"4\" y=\"14\">{} of {} operations are left out</text>\n",
                       history.ops.size() - shown.size(), history.ops.size());
  }
  for (const auto& [process, lane] : frame.lane) {
    const int y = kTop + lane * kLane + 16;
    svg += fmt::format(
        "<text class=\"n\" x=\"4\" y=\"{}\">p{}</text><line class=\"l\" x1=\"{}\" "
        "y1=\"{}\" x2=\"{}\" y2=\"{}\"/>\n",
        y + 4, process, kLeft - 8, y, frame.Width(), y);
  }
  for (const std::size_t i : shown) svg += Bar(history.ops[i], frame, marked.contains(i));
  return svg + "</svg>\n";
}

}  // namespace ipcsuite::props
