// Walks text of unknown origin character by character (RFC 3629).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ipcsuite {

// Length of the UTF-8 sequence that `text` begins with; 0 when it begins with none.
std::size_t Utf8SequenceLength(std::string_view text);

// A copy of `text`: ASCII characters by append_ascii(out, c), valid sequences as they are; bytes
// that are not UTF-8 and control characters (other than tab and newline) become U+FFFD.
template <typename F>
std::string MapUtf8(std::string_view text, F append_ascii) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const std::size_t length = Utf8SequenceLength(text);
    const auto c = static_cast<unsigned char>(text[0]);
    const bool control = c < 0x20 && c != '\t' && c != '\n';
    if (length == 0 || control || c == 0x7F) {
      out += "\xEF\xBF\xBD";
    } else if (length == 1) {
      append_ascii(out, text[0]);
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace ipcsuite
