// `ipcsuite on PLATFORM` and `ipcsuite matrix PLATFORM...`: the program runs elsewhere, its results
// are collected here.
#pragma once

namespace ipcsuite::platforms {

int OnMain(int argc, char** argv);
int MatrixMain(int argc, char** argv);

}  // namespace ipcsuite::platforms
