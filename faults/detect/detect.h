// `ipcsuite detect`: would the suite have noticed? Runs the suite against each broken
// implementation of the fault library and says which ones it sees.
#pragma once

namespace ipcsuite::detect {

// Arguments without the program's name and the word "detect". Returns the exit status: 0 every
// fault was detected, 1 some were missed (or the neutral fault was not green), 2 usage or set-up.
int DetectMain(int argc, char** argv);

}  // namespace ipcsuite::detect
