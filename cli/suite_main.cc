#include "base/preamble.h"
#include "cli/run.h"
#include "harness/peers/exec.h"

int main(int argc, char** argv) {
  ipcsuite::MaybeRunRole(argc, argv);  // a role is started by a test: what it gets is on purpose
  ipcsuite::TidySurroundings();
  return ipcsuite::cli::SuiteMain(argc, argv);
}
