// SIGTERM and SIGINT: the first drains, a second ends the process at once.
#ifndef POINTSMAN_SERVER_SIGNALS_H_
#define POINTSMAN_SERVER_SIGNALS_H_

namespace pointsman::server {

inline constexpr int kExitSecondSignal = 3;

// From now on the first of both signals is only noted, and the next one ends the process with
// kExitSecondSignal, whatever it is doing. Ignores SIGPIPE: a reader of our output may go away.
//
// By handlers rather than by blocking the signals: OpenBLAS starts its threads before main, so they
// would inherit no mask, and a signal delivered to one of them would kill the process.
void CatchShutdownSignals();

// Waits until the first one has come, perhaps before this call, and returns its number.
int WaitForShutdownSignal();

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SIGNALS_H_
