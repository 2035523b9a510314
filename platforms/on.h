// `ipcsuite on PLATFORM` and `ipcsuite matrix PLATFORM...`: the program run elsewhere, its results
// brought back.
#pragma once

namespace ipcsuite::platforms {

int OnMain(int argc, char** argv);
int MatrixMain(int argc, char** argv);

}  // namespace ipcsuite::platforms
