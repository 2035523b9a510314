// Result<T>: a value, or one line that says what failed, why and what to do.
//
//   Result<std::string> text = ReadFile(path);
//   if (!text) return Complain(text.error());
//   Use(*text);
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace ipcsuite {

struct Error {
  std::string line;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}      // NOLINT: converts on purpose
  Result(Error error) : value_(std::move(error)) {}  // NOLINT
  bool ok() const { return value_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& operator*() { return std::get<0>(value_); }
  const T& operator*() const { return std::get<0>(value_); }
  T* operator->() { return &std::get<0>(value_); }
  const T* operator->() const { return &std::get<0>(value_); }
  const std::string& error() const { return std::get<1>(value_).line; }

 private:
  std::variant<T, Error> value_;
};

// Success, or one line of error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error.line)) {}  // NOLINT
  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const std::string& error() const { return *error_; }

 private:
  std::optional<std::string> error_;
};

}  // namespace ipcsuite
