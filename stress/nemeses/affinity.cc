// Moves processes from cpu to cpu while they work.
#include "base/os/os.h"
#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

void Move(NemesisDriver& driver) {
  const int victim = driver.PickVictim();
  if (victim < 0) return;
  const int cpu = driver.allowed()[driver.random().Below(driver.allowed().size())];
  if (os::PinProcess(driver.pid(victim), {cpu})) driver.Note(victim, cpu);
}

void Unpin(NemesisDriver& driver) {
  for (int i = 0; i < driver.options().spec.workers(); ++i) {
    if (driver.alive(i)) os::PinProcess(driver.pid(i), driver.allowed());
  }
}

const Row<NemesisInfo> kAffinity({
    .name = "affinity",
    .help = "moves processes from cpu to cpu",
    .counted = "moves",
    .mark = {"move to another cpu", 'A', "#cc79a7"},
    .period = 4ms,
    .applies = [](const SliceOptions&,
                  const std::vector<int>& allowed) { return allowed.size() > 1; },
    .act = &Move,
    .cease = &Unpin,
});

}  // namespace
}  // namespace ipcsuite::stress
