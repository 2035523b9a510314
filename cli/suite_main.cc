#include "cli/run.h"
#include "harness/peers/exec.h"

int main(int argc, char** argv) {
  ipcsuite::MaybeRunRole(argc, argv);
  return ipcsuite::cli::SuiteMain(argc, argv);
}
