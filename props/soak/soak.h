// `ipcsuite soak`: the properties, round after round with new seeds, until stopped.
#pragma once

namespace ipcsuite::props {

// Arguments without the program's name and the command. Returns the exit status: 0 nothing was
// found, 1 findings, 2 wrong use or set-up.
int SoakMain(int argc, char** argv);

}  // namespace ipcsuite::props
