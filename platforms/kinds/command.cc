// Whatever a command of the user boots or reaches: an emulator with a disk image, a board behind a
// power switch, a shell on a serial console.
#include <unistd.h>

#include <array>

#include "base/args.h"
#include "base/files.h"
#include "base/text.h"
#include "platforms/initramfs.h"
#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

std::string Base64(const std::string& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::size_t kLineBytes = 57;  // 76 characters, which any terminal's line takes
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    if (i > 0 && i % kLineBytes == 0) text += '\n';
    const std::size_t left = bytes.size() - i;
    std::array<unsigned, 3> in = {};
    for (std::size_t k = 0; k < 3 && k < left; ++k)
      in[k] = static_cast<unsigned char>(bytes[i + k]);
    const unsigned bits = in[0] << 16 | in[1] << 8 | in[2];
    for (std::size_t k = 0; k < 4; ++k) text += k > left ? '=' : kDigits[bits >> (18 - 6 * k) & 63];
  }
  return text + "\n";
}

// What a user would type at the shell's prompt: the program, then how to run it. Without the
// terminal's echo, which would double the lines.
std::string Typed(const std::string& program, const std::string& words) {
  return "stty -echo; cd ${TMPDIR:-/tmp}; base64 -d > ipcsuite <<'IPCSUITE'\n" + Base64(program) +
         "IPCSUITE\nchmod +x ipcsuite; ./ipcsuite " + words + "; rm -f ipcsuite; exit\n";
}

Result<Launch> PrepareCommand(const PlatformSpec& spec, const LaunchInput& input) {
  const std::string command = FindCommand(spec.target);
  if (command.empty())
    return Error{"no command " + spec.target + ": name an executable file or a command in PATH"};
  const Result<std::string> program = ReadFile(input.program);
  if (!program) return Error{program.error()};
  std::vector<std::string> words;
  for (const std::string& arg : input.args) words.push_back(ShellQuoted(arg));
  Launch launch;
  launch.argv = {command};
  launch.environment = {{"IPCSUITE_PROGRAM", input.program},
                        {"IPCSUITE_ARGUMENTS", Join(words, " ")}};
  const std::string give = spec.Value("give");
  if (give == "console") {
    launch.typed = Typed(*program, Join(words, " "));
    launch.prompt = spec.Value("prompt");
  } else if (give == "initramfs") {
    const Result<std::string> initramfs = WriteInitramfs(spec, input, *program);
    if (!initramfs) return Error{initramfs.error()};
    launch.environment.emplace_back("IPCSUITE_INITRAMFS", *initramfs);
  }
  return launch;
}

const char* CheckGive(const std::string& value) {
  const bool known = value == "file" || value == "initramfs" || value == "console";
  return known ? nullptr : "file, initramfs or console";
}

const Row<PlatformKind> kCommand({
    .name = "command",
    .syntax = "command:PROGRAM",
    .help = "what a command of yours boots or reaches",
    .target = Target::kRequired,
    .keys = {{.name = "give",
              .value = "HOW",
              .help = "how the program gets there: file ($IPCSUITE_PROGRAM, to be run with "
                      "$IPCSUITE_ARGUMENTS), initramfs (also $IPCSUITE_INITRAMFS) or console "
                      "(typed on the command's standard input)",
              .otherwise = "file",
              .check = &CheckGive},
             {.name = "prompt",
              .value = "TEXT",
              .help = "give=console: what a shell there prints when it is ready",
              .otherwise = "# "},
             {.name = "uid",
              .value = "UID",
              .help = "give=initramfs: user that the suite runs as",
              .otherwise = "0"},
             {.name = "shm",
              .value = "OPTION",
              .help = "give=initramfs: mount option of /dev/shm, size=1m for example"}},
    .prepare = &PrepareCommand,
});

}  // namespace
}  // namespace ipcsuite::platforms
