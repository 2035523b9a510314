// `ipcsuite list` and `ipcsuite explain`: what the suite knows, without running anything.
#pragma once

namespace ipcsuite::cli {

int ListMain(int argc, char** argv);
int ExplainMain(int argc, char** argv);

}  // namespace ipcsuite::cli
