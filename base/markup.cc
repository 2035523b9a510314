#include "base/markup.h"

#include <cstdio>

#include "base/utf8.h"

namespace ipcsuite {

std::string Escape(std::string_view text) {
  return MapUtf8(text, [](std::string& out, char c) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  });
}

std::string SafeLink(std::string_view link) {
  const bool web = link.substr(0, 8) == "https://" || link.substr(0, 7) == "http://";
  return web && link.find_first_of(" \t\n<>\"'()`") == std::string_view::npos ? std::string(link)
                                                                              : "";
}

Element::Element(std::string_view name) : name_(name) {}

Element& Element::Attr(std::string_view name, std::string_view value) {
  attributes_ += ' ';
  attributes_ += name;
  attributes_ += "=\"" + Escape(value) + '"';
  return *this;
}

Element& Element::Attr(std::string_view name, double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return Attr(name, std::string_view(text));
}

Element& Element::Text(std::string_view text) { return Add(Escape(text)); }

Element& Element::Add(std::string_view markup) {
  content_ += markup;
  has_content_ = true;
  return *this;
}

std::string Element::str() const {
  const std::string open = '<' + name_ + attributes_;
  return has_content_ ? open + '>' + content_ + "</" + name_ + '>' : open + "/>";
}

}  // namespace ipcsuite
