#include "stress/campaign/drawing.h"

#include <cmath>
#include <cstdio>

namespace ipcsuite::stress {

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

std::string NsLabel(double v) {
  struct Unit {
    double ns;
    const char* name;
  };
  constexpr Unit kUnits[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "\u00b5s"}, {0, "ns"}};
  const Unit* unit = kUnits;
  while (v < unit->ns) ++unit;
  char text[32];
  std::snprintf(text, sizeof text, "%.4g %s", unit->ns > 0 ? v / unit->ns : v, unit->name);
  return text;
}

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

std::string Text(double x, double y, const std::string& text, const char* anchor,
                 const char* extra) {
  return "<text x='" + Num(x) + "' y='" + Num(y) + "' text-anchor='" + anchor + "' " + extra + ">" +
         XmlEscape(text) + "</text>\n";
}

std::string Open(double width, double height, const std::string& title,
                 const std::string& description) {
  return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " + Num(width) + " " + Num(height) +
         "' role='img' font-family='sans-serif' font-size='12' fill='currentColor'>\n<title>" +
         XmlEscape(title) + "</title><desc>" + XmlEscape(description) + "</desc>\n";
}

std::string ShortName(const Cell& cell) {
  return cell.name.rfind("Stress.", 0) == 0 ? cell.name.substr(7) : cell.name;
}

}  // namespace ipcsuite::stress
