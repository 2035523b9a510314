// Private to stress/campaign: the pieces of SVG that plots are made of.
#pragma once

#include <string>

#include "stress/campaign/campaign.h"

namespace ipcsuite::stress {

inline constexpr double kDrawingWidth = 760;

std::string Num(double v);      // a coordinate
std::string Label(double v);    // "12k", "3.5M"
std::string NsLabel(double v);  // nanoseconds as "10 ns", "1 \u00b5s", "100 ms"
std::string XmlEscape(const std::string& text);
// extra: further attributes.
std::string Text(double x, double y, const std::string& text, const char* anchor,
                 const char* extra = "");
// The opening tag with title and description; "</svg>" ends it.
std::string Open(double width, double height, const std::string& title,
                 const std::string& description);
std::string ShortName(const Cell& cell);  // without "Stress."

}  // namespace ipcsuite::stress
