// The part of the fault library that other programs may read: what faults there are. The library
// exports it through C functions (found with dlsym), so that nobody has to link against it.
#ifndef FAULTS_LIST_H_
#define FAULTS_LIST_H_

#include <cstddef>

extern "C" {

// One fault, in words. All strings live as long as the library is loaded and are never
// null; the struct itself is overwritten by the next call.
struct IpcFaultInfo {
  const char* name;        // value for IPCSUITE_FAULT
  const char* family;      // "pipe", "fifo", "poll", "shm", "mqueue", "notify" or "meta"
  const char* difficulty;  // "easy", "medium", "hard"; "" for meta
  const char* breaks;      // identifiers of the clauses broken, separated by spaces
  const char* what;        // what the broken implementation does
  const char* source;      // the real system that did so, or ""
};

// Number of faults, and the one at index i (null when i is out of range).
using IpcFaultCountFn = std::size_t (*)();
using IpcFaultGetFn = const IpcFaultInfo* (*)(std::size_t i);
inline constexpr char kIpcFaultCountSymbol[] = "ipcfaults_count";
inline constexpr char kIpcFaultGetSymbol[] = "ipcfaults_get";
}

// Environment variables that the library reads.
inline constexpr char kIpcFaultVariable[] = "IPCSUITE_FAULT";  // name of the fault
inline constexpr char kIpcFaultStateVariable[] =
    "IPCSUITE_FAULT_STATE";  // file shared by processes
inline constexpr char kIpcFaultStuckVariable[] = "IPCSUITE_FAULT_STUCK_MS";  // length of a "hang"

#endif  // FAULTS_LIST_H_
