// Tables whose rows stand in files of their own: a file that is linked brings its row, and no list
// names it.
//
//   const Row<WorkloadInfo> kPipeRow({.name = "pipe", ...});
//   for (const WorkloadInfo* info : AllRows<WorkloadInfo>()) ...
//
// T has a member `name`, unique in its table. The library of such files needs alwayslink.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ipcsuite {

// One row, entered into the table of its type before main().
template <typename T>
class Row {
 public:
  explicit Row(T row) : row_(std::move(row)) { Table().push_back(&row_); }
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;

  static std::vector<const T*>& Table() {
    static std::vector<const T*> table;
    return table;
  }

 private:
  const T row_;
};

// Every row by its name: the order in which files are linked decides nothing. From main() on.
template <typename T>
const std::vector<const T*>& AllRows() {
  static const std::vector<const T*> rows = [] {
    std::vector<const T*> sorted = Row<T>::Table();
    std::sort(sorted.begin(), sorted.end(), [](const T* a, const T* b) {
      return std::string_view(a->name) < std::string_view(b->name);
    });
    return sorted;
  }();
  return rows;
}

// nullptr if there is none of that name.
template <typename T>
const T* FindRow(std::string_view name) {
  for (const T* row : AllRows<T>()) {
    if (name == row->name) return row;
  }
  return nullptr;
}

// "kill, signal, stop": for help texts and messages.
template <typename T>
std::string RowNames() {
  std::string names;
  for (const T* row : AllRows<T>()) names += (names.empty() ? "" : ", ") + std::string(row->name);
  return names;
}

}  // namespace ipcsuite
