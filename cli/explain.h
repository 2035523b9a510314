// `ipcsuite explain CLAUSE|FUNCTION|TEST`: what a clause requires and where it is tested; what a
// test judges.
#pragma once

namespace ipcsuite::cli {

int ExplainMain(int argc, char** argv);

}  // namespace ipcsuite::cli
