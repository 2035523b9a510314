// Factories of all workloads; the table that describes them is catalog.cc.
#pragma once

#include <memory>

#include "stress/engine/workload.h"

namespace ipcsuite::stress {

std::unique_ptr<Workload> MakePipeStream();
std::unique_ptr<Workload> MakeFifoStream();
std::unique_ptr<Workload> MakePipeWriters();
std::unique_ptr<Workload> MakeFifoOpeners();
std::unique_ptr<Workload> MakeFifoPoll();
std::unique_ptr<Workload> MakeKillWrite();
std::unique_ptr<Workload> MakeMqStream();
std::unique_ptr<Workload> MakeMqOrder();
std::unique_ptr<Workload> MakeNotifyStorm();
std::unique_ptr<Workload> MakeRing();
std::unique_ptr<Workload> MakeRingShared();
std::unique_ptr<Workload> MakeCondQueue();
std::unique_ptr<Workload> MakeSeqlock();
std::unique_ptr<Workload> MakeRobustMutex();
std::unique_ptr<Workload> MakePingPongPipe();
std::unique_ptr<Workload> MakePingPongMq();
std::unique_ptr<Workload> MakePingPongShm();
std::unique_ptr<Workload> MakeMessagePassing();
std::unique_ptr<Workload> MakeStoreBuffer();
std::unique_ptr<Workload> MakeStoreBufferFenced();
std::unique_ptr<Workload> MakeNameChurn();
std::unique_ptr<Workload> MakeCreateRace();
std::unique_ptr<Workload> MakeMixed();

}  // namespace ipcsuite::stress
