#include "cli/shell_testing.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace ipcsuite {

std::string Replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

std::string ProgramPath() { return std::filesystem::absolute("cli/ipcsuite").string(); }

Ended Shell(const std::string& script, const std::string& text_path) {
  const pid_t child = fork();
  if (child == 0) {
    const std::string whole = "exec >'" + text_path + "' 2>&1; " + script;
    execlp("bash", "bash", "-c", whole.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  Ended ended;
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::ifstream text(text_path);
  ended.text.assign(std::istreambuf_iterator<char>(text), {});
  return ended;
}

Scratch::Scratch() {
  const char* const base = std::getenv("TEST_TMPDIR");
  path_ = std::string(base ? base : "/tmp") + "/place-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no scratch directory: " + path_);
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace ipcsuite
