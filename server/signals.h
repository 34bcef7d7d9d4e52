// SIGTERM and SIGINT: the first drains, a second ends the process at once.
#ifndef POINTSMAN_SERVER_SIGNALS_H_
#define POINTSMAN_SERVER_SIGNALS_H_

namespace pointsman::server {

inline constexpr int kExitSecondSignal = 3;

// Blocks both in this thread and in all that it starts later, so that only WaitForShutdownSignal
// sees them, and ignores SIGPIPE (a reader of our output may go away). Call before the first thread.
void BlockShutdownSignals();

// Waits for the first of both and returns it. From then on the next one ends the process with
// kExitSecondSignal, whatever it is doing.
int WaitForShutdownSignal();

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SIGNALS_H_
