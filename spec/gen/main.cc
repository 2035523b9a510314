// The generator: `gen DIR YAML...`.
#include <iostream>

#include "spec/gen/emit.h"

int main(int argc, char** argv) {
  return ipcsuite::gen::Generate(std::vector<std::string>(argv + 1, argv + argc), std::cerr);
}
