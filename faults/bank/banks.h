// The tables of faults, one function for each bank_*.cc file.
#ifndef FAULTS_BANKS_H_
#define FAULTS_BANKS_H_

#include "faults/preload/fault.h"

namespace faults {
Bank PipeDescriptorBank();
Bank PipeReadBank();
Bank PipeWriteBank();
Bank PipeOtherBank();
Bank FifoBank();
Bank FifoOpenBank();
Bank PollBank();
Bank SelectBank();
Bank ShmObjectBank();
Bank ShmSizeBank();
Bank ShmMapBank();
Bank QueueOpenBank();
Bank QueueObjectBank();
Bank QueueSendBank();
Bank QueueReceiveBank();
Bank QueueTimeBank();
Bank NotifyBank();
Bank NotifyStateBank();
Bank RareBank();
Bank CrowdBank();
Bank LongBank();
}  // namespace faults

#endif  // FAULTS_BANKS_H_
