#include "cli/manual.h"

#include "base/args.h"

namespace ipcsuite::cli {
namespace {

constexpr const char* kExitStatus[] = {
    "0 conforming, or as expected",
    "1 findings; with --baseline: regressions",
    "2 usage or set-up error: one line says what to do",
    "3 no finding, but verdicts are missing",
};

// Has a command print its help in the given form.
void Ask(const Command& command, const char* form) {
  std::string word = form;
  char* argv[] = {word.data(), nullptr};
  command.main(1, argv);
}

constexpr const char* kManualBegin = R"(.TH IPCSUITE 1
.SH NAME
ipcsuite \- conformance, property and stress suite for POSIX IPC
.SH SYNOPSIS
.B ipcsuite
.I COMMAND
.RI [ OPTION ...]
.SH DESCRIPTION
Checks, clause by clause, that a kernel, its C library and its container runtime conform to
POSIX.1\-2017 and POSIX.1\-2024 in pipes, FIFOs, readiness, shared memory, message queues and
semaphores; that they keep conforming while processes race, crash and exhaust resources; and how
fast they are.
)";

constexpr const char* kManualEnd = R"(.SH ENVIRONMENT
.TP
.B TMPDIR
Where tests make their files.
.TP
.BR NO_COLOR ", " TERM
No colours if NO_COLOR is set; no control sequences if TERM is dumb.
.SH EXAMPLES
.nf
ipcsuite run
ipcsuite run \-\-about mq \-\-baseline OLD.json \-\-require mqueue
ipcsuite report results.jsonl \-\-format html \-\-out report.html
ipcsuite on user:nobody
.fi
)";

constexpr const char* kBash = R"(_ipcsuite() {
  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words i
  if [ "$COMP_CWORD" = 1 ]; then
    words=$(_ipcsuite_words '')
  else
    words=$(_ipcsuite_words "$command")
  fi
  COMPREPLY=()
  case $word in
    -* | '') COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    *) [ "$COMP_CWORD" = 1 ] && COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
  esac
}
complete -o default -F _ipcsuite ipcsuite
)";

constexpr const char* kZsh = R"(_ipcsuite() {
  if ((CURRENT == 2)); then
    compadd -- $(_ipcsuite_words '')
  else
    compadd -- $(_ipcsuite_words "$words[2]")
    _files
  fi
}
compdef _ipcsuite ipcsuite
)";

}  // namespace

void PrintUsage(std::span<const Command> commands, std::FILE* out) {
  std::fprintf(out, "usage: ipcsuite COMMAND [OPTION...]\n\n");
  for (const Command& command : commands)
    std::fprintf(out, "  %-14s %s\n", command.name, command.help);
  std::fprintf(
      out,
      "\nEach command explains its options with --help; --version prints what this program "
      "is.\nExit status:\n");
  for (const char* const line : kExitStatus) std::fprintf(out, "  %s\n", line);
}

void PrintManual(std::span<const Command> commands) {
  std::printf("%s.SH COMMANDS\n", kManualBegin);
  for (const Command& command : commands)
    std::printf(".TP\n.B %s\n%s\n", command.name, command.help);
  std::printf(".SH OPTIONS\n");
  for (const Command& command : commands) Ask(command, kHelpMan);
  std::printf(".SH EXIT STATUS\n");
  for (const char* const line : kExitStatus) std::printf(".TP\n.B %c\n%s\n", *line, line + 2);
  std::printf("%s", kManualEnd);
}

bool PrintCompletion(std::span<const Command> commands, const std::string& shell) {
  if (shell != "bash" && shell != "zsh") return false;
  if (shell == "zsh") std::printf("#compdef ipcsuite\n");
  std::printf("_ipcsuite_words() {\n  case $1 in\n    '') echo '");
  for (const Command& command : commands) std::printf("%s ", command.name);
  std::printf("--help --version' ;;\n");
  for (const Command& command : commands) {
    std::printf("    %s) echo '", command.name);
    Ask(command, kHelpWords);
    std::printf("' ;;\n");
  }
  std::printf("  esac\n}\n%s", shell == "bash" ? kBash : kZsh);
  return true;
}

}  // namespace ipcsuite::cli
