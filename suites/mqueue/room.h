// Room for the threads that libraries start for SIGEV_THREAD.
#pragma once

namespace ipcsuite::mqueue_suite {

// Ends the test as UNRESOLVED where the limit on processes leaves too little room for a thread
// more: a notification that did not come, or could not be registered, says nothing then. Tried
// often, since others come and go.
void NeedThreads();

}  // namespace ipcsuite::mqueue_suite
