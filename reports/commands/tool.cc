// The commands that work from result files alone, without the suites: quick to build, and enough on
// a host that only looks at the results of others.
#include <cstdio>
#include <string>

#include "reports/commands/commands.h"
#include "reports/history/main.h"

int main(int argc, char** argv) {
  using namespace ipcsuite::report;
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "report") return ReportMain(argc - 2, argv + 2);
  if (command == "compare") return CompareMain(argc - 2, argv + 2);
  if (command == "history") return HistoryMain(argc - 2, argv + 2);
  if (command == "merge") return MergeMain(argc - 2, argv + 2);
  if (command == "expectations") return ExpectationsMain(argc - 2, argv + 2);
  std::fprintf(stderr,
               "usage: tool report|compare|history|merge|expectations ... (each has --help)\n");
  return 2;
}
