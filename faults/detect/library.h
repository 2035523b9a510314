// The list of faults, read from the library.
#ifndef FAULTS_LIBRARY_H_
#define FAULTS_LIBRARY_H_

#include <string>
#include <vector>

namespace ipcsuite::faults {

// As IpcFaultInfo (list.h), as strings.
struct FaultInfo {
  std::string name, family, difficulty, what, source;
  std::vector<std::string> breaks;  // identifiers of clauses
};

// Where the library is: beside the program, or where Bazel puts it seen from the program; empty if
// it is not there.
std::string FindLibrary();

// All faults of the library at this path, in its order, the neutral one and the canary first.
// Empty and *error set when it can't be loaded (also by a program that is linked statically).
std::vector<FaultInfo> LoadFaults(const std::string& path, std::string* error);

}  // namespace ipcsuite::faults

#endif  // FAULTS_LIBRARY_H_
