#include "stress/campaign/plots.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "stress/campaign/drawing.h"

namespace ipcsuite::stress {
namespace {

constexpr double kWidth = kDrawingWidth, kHeight = 400, kLeft = 84, kRight = 200, kTop = 16,
                 kBottom = 52;
// Colours of a palette made for colour-blind readers; each with a dash pattern of its own.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#8a8a8a", "#b09a00"};
constexpr const char* kDashes[] = {"", "7 3", "2 3", "9 3 2 3", "12 4", "4 2", "1 2", "6 2 1 2"};
constexpr std::size_t kStyles = 8;
constexpr std::size_t kTimeLines = 6;

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
  bool Holds(double v) const { return v >= low_ && v <= high_ * 1.0001; }
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

using LabelledTicks = std::vector<std::pair<double, std::string>>;

LabelledTicks TicksOf(const Axis& axis, const Scale& scale) {
  LabelledTicks ticks;
  for (const auto& tick : axis.ticks) {
    if (scale.Holds(tick.first)) ticks.push_back(tick);
  }
  if (!axis.ticks.empty()) return ticks;
  for (const double v : scale.Ticks()) ticks.emplace_back(v, axis.ns ? NsLabel(v) : Label(v));
  return ticks;
}

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

}  // namespace

std::string LinePlot(const std::string& title, const std::string& description, const Axis& x,
                     const Axis& y, const std::vector<Series>& series) {
  const double right = kWidth - kRight, bottom = kHeight - kBottom;
  const Scale sx(series, true, x.log, kLeft, right), sy(series, false, y.log, bottom, kTop);
  std::string out = Open(kWidth, kHeight, title, description);
  out += "<g stroke='currentColor' stroke-opacity='0.25'>\n";
  const LabelledTicks x_ticks = TicksOf(x, sx), y_ticks = TicksOf(y, sy);
  for (const auto& [v, label] : x_ticks) {
    const std::string at = Num(sx.At(v));
    out +=
        "<line x1='" + at + "' x2='" + at + "' y1='" + Num(kTop) + "' y2='" + Num(bottom) + "'/>\n";
  }
  for (const auto& [v, label] : y_ticks) {
    const std::string at = Num(sy.At(v));
    out +=
        "<line x1='" + Num(kLeft) + "' x2='" + Num(right) + "' y1='" + at + "' y2='" + at + "'/>\n";
  }
  out += "</g>\n";
  for (const auto& [v, label] : x_ticks) out += Text(sx.At(v), bottom + 18, label, "middle");
  for (const auto& [v, label] : y_ticks) out += Text(kLeft - 8, sy.At(v) + 4, label, "end");
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
      "Latency of messages by percentile: at p99, 99 of 100 messages took no longer. Both axes are "
      "logarithmic.";
  const Axis percentiles = {"percentile",
                            true,
                            {{2, "p50"},
                             {10, "p90"},
                             {100, "p99"},
                             {1e3, "p99.9"},
                             {1e4, "p99.99"},
                             {1e5, "p99.999"},
                             {1e6, "p99.9999"}}};
  const Axis latency = {.title = "latency", .log = true, .ns = true};
  return {title, description, LinePlot(title, description, percentiles, latency, series)};
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
    const std::string where(ToString(cell.placement));
    const std::string name = cell.info->name + (where == "none" ? "" : " " + where);
    Series& s = by_size[name];
    s.name = name;
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
  add(CommuteMap(result.commute));
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
