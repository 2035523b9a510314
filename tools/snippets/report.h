// Collects the defects of one document.
#pragma once

#include <string>
#include <utility>

#include "tools/snippets/claims.h"

namespace ipcsuite::snippets {

class Report {
 public:
  explicit Report(const Document& document) : document_(document) {}
  void Say(int line, const std::string& what) {
    defects_.push_back(document_.path + ":" + std::to_string(line) + ": " + what);
  }
  Defects Take() { return std::move(defects_); }

 private:
  const Document& document_;
  Defects defects_;
};

}  // namespace ipcsuite::snippets
