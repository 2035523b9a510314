// How the structs of model.h become JSON and come back: one description of each struct serves both
// directions, since an archive is a Writer or a Reader and names the fields through the same calls.
// Private to reports/: it is what makes a file slow to compile.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "reports/results/model.h"

namespace ipcsuite::report {

using Json = nlohmann::ordered_json;

class Writer {
 public:
  explicit Writer(Json* out) : out_(*out) { out_ = Json::object(); }

  template <typename T>
  void Field(const char* key, const T& value, const T& fallback = T{}) {
    if constexpr (std::is_floating_point_v<T>) {
      out_[key] = value;
    } else {
      if (!(value == fallback)) out_[key] = value;
    }
  }
  void Seed(const char* key, const std::uint64_t& value) {
    // A string: many JSON readers keep only 53 bits of a number.
    if (value != 0) out_[key] = std::to_string(value);
  }
  void Code(const char* key, const Verdict& value) { out_[key] = ToString(value); }
  template <typename T, typename F>
  void List(const char* key, const std::vector<T>& items, F describe) {
    if (items.empty()) return;
    Json list = Json::array();
    for (const T& item : items) {
      Json one;
      Writer writer(&one);
      describe(writer, item);
      list.push_back(std::move(one));
    }
    out_[key] = std::move(list);
  }
  template <typename T, typename F>
  void Optional(const char* key, const std::optional<T>& item, F describe) {
    if (!item) return;
    Writer writer(&out_[key]);
    describe(writer, *item);
  }
  void Pairs(const char* key, const std::vector<std::pair<std::string, std::string>>& pairs) {
    Json list = Json::array();
    for (const auto& [name, value] : pairs) list.push_back({name, value});
    out_[key] = std::move(list);
  }
  void Document(const char* key, const std::string& text) {
    if (text.empty()) return;
    Json parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    out_[key] = parsed.is_discarded() ? Json(text) : std::move(parsed);
  }
  void Counts(const char* key, const int (&counts)[kVerdictCount]) {
    Json object = Json::object();
    for (Verdict v : kAllVerdicts) object[std::string(ToString(v))] = counts[static_cast<int>(v)];
    out_[key] = std::move(object);
  }

 private:
  Json& out_;
};

// Throws std::runtime_error with one line that says where in the document what is wrong.
class Reader {
 public:
  Reader(const Json& in, std::string where) : in_(in), where_(std::move(where)) {
    if (!in_.is_object()) Wrong("an object");
  }

  template <typename T>
  void Field(const char* key, T& value, const T& fallback = T{}) {
    const auto found = in_.find(key);
    if (found == in_.end()) {
      value = fallback;
      return;
    }
    if constexpr (std::is_floating_point_v<T>) {
      // JSON has no NaN: it is written as null.
      if (found->is_null()) {
        value = std::numeric_limits<T>::quiet_NaN();
        return;
      }
    }
    Get(*found, key, value);
  }
  void Seed(const char* key, std::uint64_t& value) {
    const auto found = in_.find(key);
    if (found == in_.end()) return;
    if (found->is_number_unsigned()) {
      value = found->get<std::uint64_t>();
      return;
    }
    std::string text;
    Get(*found, key, text);
    char* end = nullptr;
    errno = 0;
    value = std::strtoull(text.c_str(), &end, 10);
    if (errno != 0 || text.empty() || *end != '\0') Wrong("an unsigned 64-bit number", key);
  }
  void Code(const char* key, Verdict& value) {
    std::string text;
    Field(key, text);
    const auto code = VerdictFromString(text);
    if (!code) Wrong("a result code, not \"" + text + "\"", key);
    value = *code;
  }
  template <typename T, typename F>
  void List(const char* key, std::vector<T>& items, F describe) {
    const auto found = in_.find(key);
    if (found == in_.end()) return;
    if (!found->is_array()) Wrong("a list", key);
    items.clear();
    items.reserve(found->size());
    for (const Json& one : *found) {
      Reader reader(one, where_ + "/" + key + "/" + std::to_string(items.size()));
      describe(reader, items.emplace_back());
    }
  }
  template <typename T, typename F>
  void Optional(const char* key, std::optional<T>& item, F describe) {
    const auto found = in_.find(key);
    if (found == in_.end()) return;
    Reader reader(*found, where_ + "/" + key);
    describe(reader, item.emplace());
  }
  void Pairs(const char* key, std::vector<std::pair<std::string, std::string>>& pairs) {
    const auto found = in_.find(key);
    if (found == in_.end()) return;
    Get(*found, key, pairs);
  }
  void Document(const char* key, std::string& text) {
    const auto found = in_.find(key);
    if (found == in_.end()) return;
    text = found->is_string() ? found->get<std::string>()
                              : found->dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  void Counts(const char* key, int (&counts)[kVerdictCount]) {
    const auto found = in_.find(key);
    if (found == in_.end()) return;
    Reader reader(*found, where_ + "/" + key);
    for (Verdict v : kAllVerdicts) {
      reader.Field(std::string(ToString(v)).c_str(), counts[static_cast<int>(v)]);
    }
  }

 private:
  template <typename T>
  void Get(const Json& from, const char* key, T& value) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (!from.is_number_integer()) Wrong("an integer", key);
    } else if constexpr (std::is_floating_point_v<T>) {
      if (!from.is_number()) Wrong("a number", key);
    } else if constexpr (std::is_same_v<T, std::vector<double>>) {
      if (!from.is_array()) Wrong("a list", key);
      for (const Json& one : from) {
        value.push_back(one.is_number() ? one.get<double>()
                                        : std::numeric_limits<double>::quiet_NaN());
      }
      return;
    }
    try {
      value = from.get<T>();
    } catch (const nlohmann::json::exception&) {
      Wrong(std::is_same_v<T, std::string> ? "a text"
            : std::is_same_v<T, bool>      ? "true or false"
                                           : "a list of texts",
            key);
    }
  }
  [[noreturn]] void Wrong(const std::string& wanted, const char* key = nullptr) const {
    throw std::runtime_error("at " + (where_.empty() && !key ? std::string("the top") : where_) +
                             (key ? std::string("/") + key : std::string()) + ": expected " +
                             wanted);
  }

  const Json& in_;
  std::string where_;
};

}  // namespace ipcsuite::report
