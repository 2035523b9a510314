// HTML, XML and SVG: escaping, and elements put together from their parts.
//
//   Element("td").Attr("class", "red").Text(name)              <td class="red">name, escaped</td>
//   Element("tr").Add(cell).Add(cell)                          <tr>...</tr>
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace ipcsuite {

// For text and attributes: & < > " ' escaped, and as CleanUtf8() of base/text.h.
std::string Escape(std::string_view text);

// `link` if it is an http or https address without blanks or quotes, else "": results may come from
// anywhere, and a page must not offer javascript: to click on.
std::string SafeLink(std::string_view link);

// One element. Attributes come before content; str() closes it. A void element (br, img, the shapes
// of SVG) without content is written as <name .../>.
class Element {
 public:
  explicit Element(std::string_view name);
  // name="value", the value escaped.
  Element& Attr(std::string_view name, std::string_view value);
  Element& Attr(std::string_view name, double value);
  // Escaped text.
  Element& Text(std::string_view text);
  // Markup as it is: other elements.
  Element& Add(std::string_view markup);
  Element& Add(const Element& child) { return Add(child.str()); }
  std::string str() const;
  operator std::string() const { return str(); }  // NOLINT: an element is used as its markup

 private:
  std::string name_, attributes_, content_;
  bool has_content_ = false;
};

}  // namespace ipcsuite
