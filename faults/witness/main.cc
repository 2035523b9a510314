// witness NAME: exit status 0 if the fault of that name is seen, 1 if not, 2 if there is no such
// witness. witness --list: the names. The other commands are for witnesses that execute themselves.
#include <cstdio>

#include "faults/witness/witness.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: witness NAME | --list\n");
    return 2;
  }
  std::string command = argv[1];
  int number = argc > 2 ? std::atoi(argv[2]) : 0;
  if (command == "fd-open") return fcntl(number, F_GETFD) >= 0 ? 1 : 0;
  if (command == "exit") return number;
  if (command == "wait") {
    witness::Nap(number);
    return 0;
  }
  if (command == "--list") {
    for (const witness::Witness& w : witness::All()) std::puts(w.fault);
    return 0;
  }
  alarm(60);
  for (const witness::Witness& w : witness::All()) {
    if (command == w.fault) return w.seen() ? 0 : 1;
  }
  std::fprintf(stderr, "witness: no witness for %s\n", argv[1]);
  return 2;
}
