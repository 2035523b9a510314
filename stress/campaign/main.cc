// The stress part on its own: small, for portable static builds.
#include "stress/campaign/stress.h"

int main(int argc, char** argv) { return ipcsuite::stress::StressMain(argc - 1, argv + 1); }
