// Text: words and lines in and out of strings; numbers, durations and seeds as people read them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ipcsuite {

// The parts between any of the separators; empty parts are left out.
std::vector<std::string> Split(std::string_view text, std::string_view separators);
// The parts put together again, `separator` between them.
std::string Join(const std::vector<std::string>& parts, std::string_view separator);
// Lines without their newlines; a last line need not end in one.
std::vector<std::string> Lines(std::string_view text);
// Without white space at both ends.
std::string Trim(std::string_view text);

// Bytes that are not UTF-8 and control characters (other than tab and newline) become U+FFFD.
std::string CleanUtf8(std::string_view text);
// At most `bytes` bytes, cut at a character; what was cut is announced in the text.
std::string Shorten(std::string_view text, std::size_t bytes);

// "0x2a".
std::string Hex(std::uint64_t value);
// "950 ns", "1.23 ms", "12.3 s", "2 min 5 s".
std::string DurationText(std::chrono::nanoseconds duration);
// Four significant digits, large and small ones without exponent where it reads well.
std::string Number(double value);
// "1 test", "2 tests"; `many` where an s does not do ("1 entry", "2 entries").
std::string Counted(std::int64_t n, std::string_view one, std::string_view many = "");

}  // namespace ipcsuite
