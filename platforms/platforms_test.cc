// Platforms without the platforms: how they are named, the stream of results, the initramfs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <elf.h>
#include <unistd.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/os/os.h"
#include "platforms/cpio.h"
#include "platforms/elf.h"
#include "platforms/platform.h"
#include "platforms/stream.h"
#include "platforms/stream_testing.h"

namespace ipcsuite::platforms {
namespace {

using testing::Contains;
using testing::HasSubstr;

TEST(Stream, CompleteRunComesThroughInPieces) {
  report::Run run = SomeRun();
  std::string all = "booting\r\n" + HeaderLine(run) +
                    ResultLine(Record("A.b", report::Verdict::kPass)) + "noise\n" +
                    ResultLine(Record("A.c", report::Verdict::kFail));
  run.duration_ns = 5;
  all += EndLine(run) + "power down\n";
  Collector collector;
  for (char byte : all) collector.Feed(std::string_view(&byte, 1));
  EXPECT_TRUE(collector.ended());
  const report::Run got = collector.Take("lost");
  EXPECT_EQ(got.seed, 77u);
  EXPECT_EQ(got.duration_ns, 5);
  ASSERT_EQ(got.tests.size(), 2u);
  EXPECT_EQ(got.tests[1].verdict, report::Verdict::kFail);
  EXPECT_EQ(got.tests[1].reason, "line one\nline two");
  EXPECT_EQ(got.interrupted, "");
}

TEST(Stream, ConsoleLineEndsAndPrefixesDoNoHarm) {
  std::string line = ResultLine(Record("A.b", report::Verdict::kPass));
  line.insert(line.size() - 1, "\r");
  Collector collector;
  collector.Feed("[    1.0] " + line);
  EXPECT_EQ(collector.results(), 1u);
}

TEST(Stream, PanicKeepsWhatCameAndSaysWhy) {
  Collector collector;
  collector.Feed(HeaderLine(SomeRun()) + ResultLine(Record("A.b", report::Verdict::kPass)) +
                 "Kernel panic - not syncing\n@ipcsuite R {\"na");
  EXPECT_FALSE(collector.ended());
  EXPECT_THAT(collector.chatter(), HasSubstr("Kernel panic"));
  const report::Run got = collector.Take("no sign of life");
  EXPECT_EQ(got.tests.size(), 1u);
  EXPECT_EQ(got.interrupted, "no sign of life");
}

TEST(Stream, DamagedLinesAreCountedAndSaid) {
  std::string cut = ResultLine(Record("A.b", report::Verdict::kPass));
  cut.insert(cut.size() / 2, "[  3.14] usb: new device");
  Collector collector;
  collector.Feed(HeaderLine(SomeRun()) + cut + EndLine(SomeRun()));
  EXPECT_EQ(collector.damaged(), 1);
  EXPECT_EQ(collector.results(), 0u);
  EXPECT_THAT(collector.Take("").interrupted, HasSubstr("1 line of results damaged"));
}

TEST(Stream, TestsThatRunAreKnown) {
  Collector collector;
  collector.Feed(BeginLine("A.b") + BeginLine("A.c") +
                 ResultLine(Record("A.b", report::Verdict::kPass)));
  EXPECT_THAT(collector.running(), testing::ElementsAre("A.c"));
  collector.Feed(BeginLine("A.b"));  // once more, alone
  EXPECT_EQ(collector.last_begun(), "A.c") << "the place in the order of the run";
  EXPECT_EQ(collector.settled(), "") << "both run";
  collector.Feed(ResultLine(Record("A.b", report::Verdict::kPass)));
  EXPECT_EQ(collector.settled(), "A.b");
}

TEST(Stream, LaterResultOfATestReplacesTheEarlier) {
  Collector collector;
  collector.Feed(ResultLine(Record("A.b", report::Verdict::kPass)) +
                 ResultLine(Record("A.b", report::Verdict::kFlaky)));
  EXPECT_EQ(collector.results(), 1u);
}

TEST(Cpio, EntriesArePaddedAndEndWithTheTrailer) {
  Cpio cpio;
  cpio.AddDirectory("dev");
  cpio.AddFile("ipcsuite", "abc");
  cpio.AddLink("init", "/ipcsuite");
  cpio.AddDevice("dev/null", 0666, 1, 3);
  const std::string archive = cpio.Finish();
  EXPECT_EQ(archive.size() % 4, 0u);
  EXPECT_EQ(archive.compare(0, 6, "070701"), 0);
  EXPECT_NE(archive.find(std::string("init\0", 5)), std::string::npos);
  EXPECT_NE(archive.find("TRAILER!!!"), std::string::npos);
}

TEST(ParsePlatform, TakesKindTargetAndKeys) {
  const auto vm = ParsePlatform("vm:/boot/vmlinuz,smp=4,mem=2048,shm=size=1m");
  ASSERT_TRUE(vm) << vm.error();
  EXPECT_STREQ(vm->kind->name, "vm");
  EXPECT_EQ(vm->target, "/boot/vmlinuz");
  EXPECT_EQ(vm->Value("smp"), "4");
  EXPECT_EQ(vm->Value("shm"), "size=1m");
  EXPECT_EQ(vm->Value("uid"), "0") << "the default";
  const auto box = ParsePlatform("container:user,shm=1m");
  ASSERT_TRUE(box) << box.error();
  EXPECT_TRUE(box->Has("user"));
  EXPECT_EQ(box->Value("shm"), "1m");
}

struct Wrong {
  const char* text;
  const char* says;  // a part of the one line
};

TEST(ParsePlatform, WrongOnesGetOneLineThatSaysWhatIsRight) {
  const Wrong table[] = {
      {"", "unknown platform"},
      {"moon", "native"},
      {"vm", "vm:KERNEL"},
      {"vm:", "vm:KERNEL"},
      {"libc:", "libc:DIRECTORY"},
      {"ssh", "ssh:HOST"},
      {"vm:/k,smp", "smp=N"},
      {"vm:/k,smp=0", "a number from 1"},
      {"vm:/k,smp=two", "a number from 1"},
      {"vm:/k,mem=", "a number from 1"},
      {"vm:/k,uid=-1", "a user id"},
      {"vm:/k,foo=bar", "unknown key 'foo': there are"},
      {"vm:/k,smp=1,smp=2", "twice"},
      {"uml:/k,smp=1", "unknown key 'smp'"},
      {"native:x", "unknown key 'x'"},
      {"bwrap:x=1", "takes none"},
      {"gvisor:moon", "systrap"},
      {"gvisor:kvm,runsc=/no/such", "an executable file"},
      {"container:nonsense", "unknown key 'nonsense'"},
      {"container:user=1", "has to be user"},
      {"container:shm", "shm=SIZE"},
      {"container:shm=big", "512k"},
      {"container:mq=maybe", "enosys"},
      {"user:", "user:NAME|UID"},
      {"user:no-such-user", "/etc/passwd"},
      {"user:99999999999", "out of range"},
      {"user:4294967295", "out of range"},
      {"user:-1", "/etc/passwd"},
      {"user:65534x", "/etc/passwd"},
  };
  for (const Wrong& wrong : table) {
    const auto spec = ParsePlatform(wrong.text);
    ASSERT_FALSE(spec) << wrong.text;
    EXPECT_THAT(spec.error(), HasSubstr(wrong.says)) << wrong.text;
    EXPECT_EQ(spec.error().find('\n'), std::string::npos) << wrong.text;
  }
}

TEST(Platforms, EveryRowIsConsistentAndListed) {
  const std::vector<std::string> lines = ListPlatforms();
  std::size_t rows = 0;
  for (const PlatformKind* kind : AllRows<PlatformKind>()) {
    ++rows;
    EXPECT_EQ(std::string(kind->syntax).find(kind->name), 0u) << kind->syntax;
    EXPECT_NE(kind->prepare, nullptr) << kind->name;
    EXPECT_THAT(lines, Contains(testing::StartsWith(kind->syntax)));
    for (const PlatformKey& key : kind->keys) {
      ++rows;
      const bool right =
          key.check == nullptr || *key.otherwise == '\0' || key.check(key.otherwise) == nullptr;
      EXPECT_TRUE(right) << kind->name << " " << key.name << ": its default is refused";
    }
  }
  EXPECT_EQ(lines.size(), rows);
}

TEST(FindUser, ByNameAndNumberWithItsGroup) {
  const auto root = FindUser("root");
  ASSERT_TRUE(root) << root.error();
  EXPECT_EQ(root->uid, 0u);
  EXPECT_EQ(root->gid, 0u);
  const auto stranger = FindUser("4000000001");
  ASSERT_TRUE(stranger) << stranger.error();
  EXPECT_EQ(stranger->uid, 4000000001u);
  EXPECT_EQ(stranger->gid, 4000000001u);
}

TEST(Elf, OwnProgramIsReadAndNoCutOfItReadsBeyondItsEnd) {
  EXPECT_FALSE(ReadElf("#!/bin/true\n"));
  EXPECT_FALSE(ReadElf(ELFMAG));
  const auto self = ReadFile(os::OwnPath());
  ASSERT_TRUE(self) << self.error();
  const auto elf = ReadElf(*self);
  ASSERT_TRUE(elf);
  EXPECT_EQ(elf->bits, static_cast<int>(8 * sizeof(void*)));
  for (std::size_t size = 0; size < 4096; size += 7) ReadElf(self->substr(0, size));
}

class Prepared : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "/platforms";
    std::filesystem::create_directories(dir_ + "/work");
    std::ofstream(dir_ + "/program") << "#!/bin/true\n";
    input_ = {dir_ + "/program", {"run", "--stream"}, dir_ + "/work"};
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::optional<Launch> Try(const std::string& text) {
    const Result<PlatformSpec> spec = ParsePlatform(text);
    const Result<Launch> launch = spec ? Prepare(*spec, input_) : Error{spec.error()};
    if (launch) return *launch;
    error_ = launch.error();
    return std::nullopt;
  }
  std::string dir_, error_;
  LaunchInput input_;
};

TEST_F(Prepared, MissingThingsAreNamed) {
  const Wrong table[] = {{"vm:/no/such/kernel", "/no/such/kernel"},
                         {"uml:/no/such/linux", "user-mode"},
                         {"libc:/no/such/tree", "loader"},
                         {"emulator:qemu-no-such-machine", "qemu-user"}};
  for (const Wrong& wrong : table) {
    EXPECT_FALSE(Try(wrong.text)) << wrong.text;
    EXPECT_THAT(error_, HasSubstr(wrong.says)) << wrong.text;
  }
}

// The smallest file that says what a dynamic program says: a header and PT_INTERP.
std::string DynamicProgram() {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = std::endian::native == std::endian::big ? ELFDATA2MSB : ELFDATA2LSB;
  header.e_machine = EM_X86_64;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  const std::string loader("/lib64/ld-example.so.2\0", 23);
  Elf64_Phdr segment{};
  segment.p_type = PT_INTERP;
  segment.p_offset = sizeof header + sizeof segment;
  segment.p_filesz = loader.size();
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) +
         std::string(reinterpret_cast<const char*>(&segment), sizeof segment) + loader;
}

// Topology that a guest is given: what QEMU is told, and what does not fit.
TEST_F(Prepared, GuestGetsTheTopologyThatWasAsked) {
  if (FindCommand("qemu-system-x86_64").empty()) GTEST_SKIP() << "no QEMU here";
  std::string program = DynamicProgram();
  program.resize(sizeof(Elf64_Ehdr));
  reinterpret_cast<Elf64_Ehdr*>(program.data())->e_phnum = 0;  // static
  std::ofstream(input_.program, std::ios::binary) << program;
  const std::string vm = "vm:" + input_.program + ",mem=1024,smp=8,";
  const auto launch = Try(vm + "sockets=2,cores=2,threads=2,nodes=2");
  ASSERT_TRUE(launch) << error_;
  const auto has = [&](const char* word) {
    return std::ranges::count(launch->argv, std::string(word)) == 1;
  };
  EXPECT_TRUE(has("8,sockets=2,cores=2,threads=2"));
  EXPECT_TRUE(has("node,nodeid=1,cpus=4-7,memdev=m1"));
  EXPECT_TRUE(has("memory-backend-ram,id=m1,size=512M"));
  EXPECT_TRUE(has("max,vendor=GenuineIntel")) << "with AMD's model QEMU has no threads";
  for (const char* const wrong :
       {"sockets=2,cores=2,threads=1", "sockets=3", "nodes=3", "threads=16"}) {
    EXPECT_FALSE(Try(vm + wrong)) << wrong;
    EXPECT_THAT(error_, HasSubstr("smp=8")) << wrong;
  }
}

TEST_F(Prepared, DynamicProgramIsRefusedWhereItsLoaderIsAbsent) {
  std::ofstream(input_.program, std::ios::binary) << DynamicProgram();
  for (const PlatformKind* kind : AllRows<PlatformKind>()) {
    if (!kind->needs_static || (kind->missing != nullptr && !kind->missing().empty())) continue;
    EXPECT_FALSE(Try(std::string(kind->name) + (kind->target == Target::kNone ? "" : ":/x")));
    EXPECT_THAT(error_, HasSubstr("/lib64/ld-example.so.2")) << kind->name;
    EXPECT_THAT(error_, HasSubstr("ipcsuite_portable")) << kind->name;
  }
}

TEST_F(Prepared, UserIsWhoWasNamed) {
  const auto launch = Try("user:root");
  ASSERT_TRUE(launch) << error_;
  ASSERT_TRUE(launch->user);
  EXPECT_EQ(launch->user->uid, 0u);
  EXPECT_EQ(Try("user:12345")->user->uid, 12345u);
  EXPECT_FALSE(Try("native")->user);
}

TEST_F(Prepared, LoaderPrefixesTheProgramAndItsOwnExec) {
  std::filesystem::create_directories(dir_ + "/libc/lib");
  std::filesystem::create_directories(dir_ + "/libc/etc/ld-musl-x86_64.d");
  std::ofstream(dir_ + "/libc/etc/ld-musl-x86_64.path") << "/lib\n";
  std::ofstream(dir_ + "/libc/lib/ld-musl-x86_64.so.1") << "x";
  const auto launch = Try("libc:" + dir_ + "/libc");
  ASSERT_TRUE(launch) << error_;
  EXPECT_EQ(launch->argv[0], dir_ + "/libc/lib/ld-musl-x86_64.so.1");
  EXPECT_EQ(launch->environment[0].first, "IPCSUITE_SELF");
  EXPECT_THAT(launch->environment[0].second, HasSubstr(input_.program));
}

TEST_F(Prepared, ContainerBundleSaysWhatTheTraitsAsk) {
  if (FindCommand("crun").empty() && FindCommand("runc").empty())
    GTEST_SKIP() << "no OCI runtime here";
  ASSERT_TRUE(Try("container:user,shm=1m,shmro,mq=eperm,msgqueue=0,pids=8")) << error_;
  std::ifstream in(dir_ + "/work/config.json");
  const auto config = nlohmann::json::parse(in);
  EXPECT_EQ(config["process"]["user"]["uid"], 1000);
  EXPECT_EQ(config["process"]["args"][0], "/bin/ipcsuite");
  EXPECT_EQ(config["process"]["rlimits"][0]["type"], "RLIMIT_MSGQUEUE");
  EXPECT_EQ(config["linux"]["resources"]["pids"]["limit"], 8);
  EXPECT_EQ(config["linux"]["seccomp"]["syscalls"][0]["errnoRet"], EPERM);
}

}  // namespace
}  // namespace ipcsuite::platforms
