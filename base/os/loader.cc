#include "base/os/loader.h"

#include <filesystem>
#include <fstream>

namespace ipcsuite::os {

// The system keeps the words that execve() was given.
std::vector<std::string> LoaderCommand([[maybe_unused]] int argc) {
  std::vector<std::string> words;
#if defined(__linux__) && !defined(IPCSUITE_POSIX_ALONE)
  std::ifstream line("/proc/self/cmdline");
  for (std::string word; std::getline(line, word, '\0');) words.push_back(word);
  if (argc < 1 || words.size() <= static_cast<std::size_t>(argc)) return {};
  words.resize(words.size() - static_cast<std::size_t>(argc) + 1);
  for (std::string* path : {&words.front(), &words.back()})
    *path = std::filesystem::absolute(*path).string();
#endif
  return words;
}

}  // namespace ipcsuite::os
