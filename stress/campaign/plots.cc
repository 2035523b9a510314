#include "stress/campaign/plots.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

constexpr double kWidth = 760, kHeight = 400, kLeft = 84, kRight = 200, kTop = 16, kBottom = 52;
// Colours of a palette made for colour-blind readers; each with a dash pattern of its own.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#8a8a8a", "#b09a00"};
constexpr const char* kDashes[] = {"", "7 3", "2 3", "9 3 2 3", "12 4", "4 2", "1 2", "6 2 1 2"};
constexpr std::size_t kStyles = 8;
constexpr std::size_t kTimeLines = 6;

std::string Num(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", v);
  return text;
}

std::string Label(double v) {
  char text[32];
  const double a = std::fabs(v);
  if (a >= 1e9)
    std::snprintf(text, sizeof text, "%.4gG", v / 1e9);
  else if (a >= 1e6)
    std::snprintf(text, sizeof text, "%.4gM", v / 1e6);
  else if (a >= 1e4)
    std::snprintf(text, sizeof text, "%.4gk", v / 1e3);
  else
    std::snprintf(text, sizeof text, "%.4g", v);
  return text;
}

std::string Text(double x, double y, const std::string& text, const char* anchor,
                 const char* extra = "") {
  return "<text x='" + Num(x) + "' y='" + Num(y) + "' text-anchor='" + anchor + "' " + extra + ">" +
         XmlEscape(text) + "</text>\n";
}

std::string Open(double width, double height, const std::string& title,
                 const std::string& description) {
  return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " + Num(width) + " " + Num(height) +
         "' role='img' font-family='sans-serif' font-size='12' fill='currentColor'>\n<title>" +
         XmlEscape(title) + "</title><desc>" + XmlEscape(description) + "</desc>\n";
}

// Maps values of one axis to the drawing.
class Scale {
 public:
  Scale(const std::vector<Series>& series, bool of_x, bool log, double from, double to)
      : log_(log), from_(from), to_(to) {
    bool first = true;
    for (const Series& s : series) {
      for (const auto& point : s.points) {
        const double v = of_x ? point.first : point.second;
        if (log && v <= 0) continue;
        low_ = first ? v : std::min(low_, v);
        high_ = first ? v : std::max(high_, v);
        first = false;
      }
    }
    if (log_) {
      low_ = std::pow(10, std::floor(std::log10(low_ > 0 ? low_ : 1)));
      high_ = std::pow(10, std::ceil(std::log10(high_ > 0 ? high_ : 10)));
      if (high_ <= low_) high_ = low_ * 10;
    } else {
      low_ = of_x ? low_ : std::min(0.0, low_);
      if (high_ <= low_) high_ = low_ + 1;
    }
  }
  double At(double v) const {
    const double share = log_ ? (std::log10(std::max(v, low_)) - std::log10(low_)) /
                                    (std::log10(high_) - std::log10(low_))
                              : (v - low_) / (high_ - low_);
    return from_ + std::clamp(share, 0.0, 1.0) * (to_ - from_);
  }
  std::vector<double> Ticks() const {
    std::vector<double> ticks;
    if (log_) {
      for (double v = low_; v <= high_ * 1.0001; v *= 10) ticks.push_back(v);
      return ticks;
    }
    const double raw = (high_ - low_) / 5;
    const double magnitude = std::pow(10, std::floor(std::log10(raw)));
    double step = 10 * magnitude;
    for (const double m : {1.0, 2.0, 5.0}) {
      if (m * magnitude >= raw) {
        step = m * magnitude;
        break;
      }
    }
    for (double v = std::ceil(low_ / step) * step; v <= high_ + step * 1e-6; v += step) {
      ticks.push_back(v);
    }
    return ticks;
  }

 private:
  bool log_;
  double from_, to_, low_ = 0, high_ = 1;
};

std::string DrawSeries(const Series& s, std::size_t index, const Scale& sx, const Scale& sy) {
  const std::string colour = kColours[index % kStyles];
  std::string out;
  if (s.line && s.points.size() > 1) {
    out += "<polyline fill='none' stroke='" + colour + "' stroke-width='2' stroke-dasharray='" +
           kDashes[index % kStyles] + "' points='";
    for (const auto& [px, py] : s.points) out += Num(sx.At(px)) + "," + Num(sy.At(py)) + " ";
    out += "'/>\n";
  }
  if (s.marks) {
    for (const auto& [px, py] : s.points) {
      const double x = sx.At(px), y = sy.At(py);
      if (index % 2 == 0) {
        out += "<circle cx='" + Num(x) + "' cy='" + Num(y) + "' r='4' fill='" + colour + "'/>\n";
      } else {
        out += "<rect x='" + Num(x - 3.5) + "' y='" + Num(y - 3.5) +
               "' width='7' height='7' fill='" + colour + "'/>\n";
      }
    }
  }
  return out;
}

std::string Legend(const std::vector<Series>& series) {
  std::string out;
  double y = kTop + 10;
  for (std::size_t i = 0; i < series.size(); ++i, y += 18) {
    out += "<line x1='" + Num(kWidth - kRight + 10) + "' x2='" + Num(kWidth - kRight + 38) +
           "' y1='" + Num(y) + "' y2='" + Num(y) + "' stroke='" + kColours[i % kStyles] +
           "' stroke-width='3' stroke-dasharray='" + kDashes[i % kStyles] + "'/>\n";
    out += Text(kWidth - kRight + 44, y + 4, series[i].name, "start");
  }
  return out;
}

std::string ShortName(const Cell& cell) {
  return cell.name.rfind("Stress.", 0) == 0 ? cell.name.substr(7) : cell.name;
}

}  // namespace

std::string XmlEscape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '\'': out += "&#39;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string LinePlot(const std::string& title, const std::string& description, const Axis& x,
                     const Axis& y, const std::vector<Series>& series) {
  const double right = kWidth - kRight, bottom = kHeight - kBottom;
  const Scale sx(series, true, x.log, kLeft, right), sy(series, false, y.log, bottom, kTop);
  std::string out = Open(kWidth, kHeight, title, description);
  out += "<g stroke='currentColor' stroke-opacity='0.25'>\n";
  for (const double v : sx.Ticks()) {
    const std::string at = Num(sx.At(v));
    out +=
        "<line x1='" + at + "' x2='" + at + "' y1='" + Num(kTop) + "' y2='" + Num(bottom) + "'/>\n";
  }
  for (const double v : sy.Ticks()) {
    const std::string at = Num(sy.At(v));
    out +=
        "<line x1='" + Num(kLeft) + "' x2='" + Num(right) + "' y1='" + at + "' y2='" + at + "'/>\n";
  }
  out += "</g>\n";
  for (const double v : sx.Ticks()) out += Text(sx.At(v), bottom + 18, Label(v), "middle");
  for (const double v : sy.Ticks()) out += Text(kLeft - 8, sy.At(v) + 4, Label(v), "end");
  out += Text((kLeft + right) / 2, kHeight - 10, x.title, "middle");
  const std::string turn = "transform='rotate(-90 16 " + Num((kTop + bottom) / 2) + ")'";
  out += Text(16, (kTop + bottom) / 2, y.title, "middle", turn.c_str());
  for (std::size_t i = 0; i < series.size(); ++i) out += DrawSeries(series[i], i, sx, sy);
  return out + Legend(series) + "</svg>\n";
}

namespace {

Series LatencySeries(const Histogram& latency, const std::string& name) {
  Series s;
  s.name = name;
  s.marks = false;
  for (const Histogram::Point& p : latency.Distribution()) {
    if (p.percentile >= 1.0) continue;
    s.points.push_back(
        {1.0 / (1.0 - p.percentile), static_cast<double>(std::max<std::uint64_t>(1, p.value_ns))});
  }
  return s;
}

Plot LatencyPlot(const std::string& title, const std::vector<Series>& series) {
  const std::string description =
      "Latency of messages by percentile: 10 on the horizontal axis is the 90th, 100 the 99th, "
      "1000 "
      "the 99.9th percentile. Both axes are logarithmic.";
  return {
      title, description,
      LinePlot(title, description, {"1 / (1 - percentile)", true}, {"latency, ns", true}, series)};
}

}  // namespace

std::vector<Plot> LatencyPlots(const std::vector<const Cell*>& cells) {
  std::vector<Series> without, under;
  for (const Cell* cell : cells) {
    if (cell->latency.total() != 0)
      without.push_back(LatencySeries(cell->latency, ShortName(*cell)));
    if (cell->latency_under_nemeses.total() != 0) {
      under.push_back(LatencySeries(cell->latency_under_nemeses,
                                    ShortName(*cell) + (cells.size() == 1 ? ", nemeses" : "")));
    }
  }
  // Of one workload both are seen best in one plot.
  if (cells.size() == 1) {
    without.insert(without.end(), under.begin(), under.end());
    under.clear();
  }
  std::vector<Plot> plots;
  const auto add = [&](const std::string& title, const std::vector<Series>& all) {
    for (std::size_t first = 0; first < all.size(); first += kStyles) {
      const auto from = all.begin() + static_cast<std::ptrdiff_t>(first);
      const auto to =
          all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), first + kStyles));
      plots.push_back(LatencyPlot(title + (first == 0 ? "" : " (continued)"), {from, to}));
    }
  };
  add("Latency percentiles", without);
  add("Latency percentiles under nemeses", under);
  return plots;
}

Plot ScalingPlot(const std::vector<ScalingCurve>& curves) {
  std::vector<Series> series;
  for (const ScalingCurve& curve : curves) {
    if (curve.points.empty() || series.size() + 1 >= kStyles) continue;
    Series s;
    s.name = curve.operation + (curve.shared_object ? ", one" : ", own");
    const double first = std::max(1e-9, Median(curve.points.front().samples));
    for (const ScalingPoint& point : curve.points) {
      s.points.push_back({point.n, Median(point.samples) / first});
    }
    series.push_back(s);
    if (!curve.fit) continue;
    Series fit;
    fit.name = "  fit of it";
    fit.marks = false;
    const double last = curve.points.back().n;
    for (int i = 0; i <= 60; ++i) {
      const double n = 1 + (last - 1) * i / 60.0;
      fit.points.push_back({n, curve.fit->At(n) / first});
    }
    series.push_back(std::move(fit));
  }
  if (series.empty()) return {};
  const std::string description =
      "Throughput relative to one process, by number of processes; each on objects of its own, or "
      "all "
      "on one. Points beyond the number of cpus are oversubscribed. The law of scalability is "
      "drawn "
      "where there are five points.";
  return {"Scaling", description,
          LinePlot("Scaling", description, {"processes", false}, {"throughput of one = 1", false},
                   series)};
}

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
  const std::string title = "Core-to-core latency";
  char range[128];
  std::snprintf(range, sizeof range,
                "One-way time to hand a cache line over, in ns, from row to column: %.0f to %.0f.",
                low, high);
  // Wide enough for the line below it.
  std::string out = Open(
      std::max(size + 80, 60 + 6.4 * static_cast<double>(std::char_traits<char>::length(range))),
      size + 70, title, range);
  for (std::size_t i = 0; i < n; ++i) {
    const double y = 30 + cell * static_cast<double>(i);
    if (cell >= 12) out += Text(44, y + cell / 2 + 4, std::to_string(matrix.cpus[i]), "end");
    if (cell >= 12) {
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
  out += Text(50, size + 54, range, "start");
  return {title, std::string(range) + (matrix.note.empty() ? "" : " " + matrix.note),
          out + "</svg>\n"};
}

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
  const double height = 40 + workers * 22 + 40;
  const std::string title = "Nemeses over time: " + ShortName(cell);
  std::string marks;
  for (const NemesisInfo* nemesis : AllRows<NemesisInfo>()) {
    for (const NemesisMark& mark : {nemesis->mark, nemesis->end_mark}) {
      if (mark.name != nullptr) marks += std::string(" ") + mark.letter + " " + mark.name + ",";
    }
  }
  marks.back() = '.';
  const std::string description = "One row for each process." + marks +
                                  " The text of a mark says in which call the process was.";
  std::string out = Open(kWidth, height, title, description);
  for (std::size_t i = 0; i < chosen->workers.size(); ++i) {
    const double y = 30 + 22 * static_cast<double>(i);
    out += Text(78, y + 4,
                (chosen->workers[i].role == Role::kProducer ? "producer " : "consumer ") +
                    std::to_string(i),
                "end");
    out += "<line x1='84' x2='" + Num(kWidth - 10) + "' y1='" + Num(y) + "' y2='" + Num(y) +
           "' stroke='currentColor' stroke-opacity='0.3'/>\n";
  }
  for (std::size_t i = 0; i < shown; ++i) {
    const NemesisEvent& e = chosen->events[i];
    const double x = 84 + static_cast<double>(e.t_ns) / last * (kWidth - 100);
    const double y = 30 + 22 * static_cast<double>(e.worker);
    const NemesisMark& drawn = e.end ? e.by->end_mark : e.by->mark;
    char mark[260];
    std::snprintf(mark, sizeof mark,
                  "<text x='%.1f' y='%.1f' text-anchor='middle' font-weight='bold' fill='%s'>%c"
                  "<title>%s of pid %d at %.3f ms; its call: %s</title></text>\n",
                  x, y + 4, drawn.colour, drawn.letter, drawn.name, static_cast<int>(e.pid),
                  static_cast<double>(e.t_ns) / 1e6, ToString(e.call));
    out += mark;
  }
  out += Text(84, height - 12, "0", "start") +
         Text(kWidth - 10, height - 12, Label(last / 1e6) + " ms", "end");
  return {title, description, out + "</svg>\n"};
}

std::vector<Plot> MakePlots(const CampaignResult& result) {
  std::vector<Plot> plots;
  const auto add = [&](Plot plot) {
    if (!plot.svg.empty()) plots.push_back(std::move(plot));
  };
  std::map<std::string, Series> by_size;
  std::vector<const Cell*> cells;
  for (const Cell& cell : result.cells) {
    cells.push_back(&cell);
    if (cell.checked.median <= 0 || !cell.info->uses_ledgers) continue;
    Series& s = by_size[std::string(cell.info->name) + " " + std::string(ToString(cell.placement))];
    s.name = std::string(cell.info->name) + " " + std::string(ToString(cell.placement));
    s.points.push_back({static_cast<double>(cell.spec.size_bytes),
                        cell.checked.median * static_cast<double>(cell.spec.size_bytes) / 1e6});
  }
  std::vector<Series> throughput;
  for (auto& [name, s] : by_size) {
    if (s.points.size() > 1 && throughput.size() < kStyles) throughput.push_back(std::move(s));
  }
  if (!throughput.empty()) {
    const std::string description = "Checked throughput by message size, both axes logarithmic.";
    add({"Throughput by size", description,
         LinePlot("Throughput by size", description, {"message, bytes", true}, {"MB/s", true},
                  throughput)});
  }
  for (Plot& plot : LatencyPlots(cells)) add(std::move(plot));
  add(ScalingPlot(result.curves));
  add(HeatMap(result.matrix));
  std::size_t time_lines = 0;
  for (const Cell& cell : result.cells) {
    if (time_lines == kTimeLines) break;
    Plot plot = TimeLine(cell);
    if (plot.svg.empty()) continue;
    ++time_lines;
    add(std::move(plot));
  }
  return plots;
}

}  // namespace ipcsuite::stress
