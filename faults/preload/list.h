// The part of the fault library that other programs may read: what implementations it can stand in
// for. The library exports them through a C function (found with dlsym), so that nobody has to link
// against it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace faults {

struct Hooks;

// X(family, suite): the families, and the suite in suites/ that judges their interface. A new
// family is one row here; enumeration, names, options, tables and tests follow from it.
#define IPC_FAULT_FAMILIES(X) \
  X(pipe, "pipe")             \
  X(fifo, "fifo")             \
  X(poll, "poll")             \
  X(shm, "shm")               \
  X(mqueue, "mqueue")         \
  X(notify, "mqueue")         \
  X(sem, "sem")               \
  X(pshared, "pshared")

#define IPC_FAMILY_ENUMERATOR(name, suite) name,
// `meta` are the neutral implementation and the canary, which belong to all suites.
enum class Family : std::uint8_t { meta, IPC_FAULT_FAMILIES(IPC_FAMILY_ENUMERATOR) };
#undef IPC_FAMILY_ENUMERATOR

struct FamilyName {
  Family family;
  const char* name;
  const char* suite;
};
#define IPC_FAMILY_ROW(name, suite) {Family::name, #name, suite},
inline constexpr FamilyName kFamilies[] = {IPC_FAULT_FAMILIES(IPC_FAMILY_ROW)};
#undef IPC_FAMILY_ROW

// How hard a fault is to notice: by any single call; at a boundary or in a state; only in races,
// long sequences and rare states.
enum class Difficulty : std::uint8_t { none, easy, medium, hard };
struct DifficultyName {
  Difficulty difficulty;
  const char* name;
};
inline constexpr DifficultyName kDifficulties[] = {
    {Difficulty::easy, "easy"}, {Difficulty::medium, "medium"}, {Difficulty::hard, "hard"}};

// A fault breaks requirements: the suite must notice it. A variant conforms, but decides
// differently from the system below what the standard leaves open: the suite must stay green.
enum class Role : std::uint8_t { fault, variant };

// One implementation. Write the fields by name; what has a default may be left out.
struct Row {
  static constexpr std::size_t kMostClauses = 8;

  const char* name;  // value for IPCSUITE_FAULT
  Role role = Role::fault;
  Family family;
  Difficulty difficulty = Difficulty::none;  // of faults
  // Identifiers of the requirements that a fault breaks, or of the clauses whose outcome a variant
  // decides differently.
  const char* clauses[kMostClauses + 1] = {};
  // The observation that a variant changes: its key in results.json, or "" where the outcome can't
  // be observed (then only "stays green" is shown). The value is that of the clauses.
  const char* observed = "";
  const char* what;         // what this implementation does
  const char* source = "";  // the real system that does so
  void (*arm)(Hooks&);      // installs the hooks
  // Where the row stands. At the end: a row of named fields leaves it to the compiler.
  const char* file = __builtin_FILE();
  int line = __builtin_LINE();
};

// Text for the enumerators; "meta" and "" for those without a row.
constexpr const char* ToString(Family family) {
  for (const FamilyName& row : kFamilies) {
    if (row.family == family) return row.name;
  }
  return "meta";
}
constexpr const char* ToString(Difficulty difficulty) {
  for (const DifficultyName& row : kDifficulties) {
    if (row.difficulty == difficulty) return row.name;
  }
  return "";
}

}  // namespace faults

// The row at index i: the neutral implementation, the canary, then all others; null when i is out
// of range. Rows live as long as the library is loaded.
extern "C" {
using IpcFaultRowFn = const faults::Row* (*)(std::size_t i);
}
inline constexpr char kIpcFaultRowSymbol[] = "ipcfaults_row";

// Environment variables that the library reads: the name of the implementation, the file that keeps
// its state for all processes (it begins with a std::uint64_t: how often a variant decided
// differently), and the length of a "hang" in milliseconds.
inline constexpr char kIpcFaultVariable[] = "IPCSUITE_FAULT";
inline constexpr char kIpcFaultStateVariable[] = "IPCSUITE_FAULT_STATE";
inline constexpr char kIpcFaultStuckVariable[] = "IPCSUITE_FAULT_STUCK_MS";
