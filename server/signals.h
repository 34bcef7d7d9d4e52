// What ends the process or stirs it: SIGTERM, SIGINT and SIGHUP, and a drain asked for over the
// API.
#ifndef POINTSMAN_SERVER_SIGNALS_H_
#define POINTSMAN_SERVER_SIGNALS_H_

namespace pointsman::server {

inline constexpr int kExitSecondSignal = 3;

// From now on the first SIGTERM or SIGINT is only noted, and the next one ends the process with
// kExitSecondSignal, whatever it is doing. SIGHUP is noted. Ignores SIGPIPE: a reader of our output
// may go away.
//
// By handlers rather than by blocking the signals: OpenBLAS starts its threads before main, so they
// would inherit no mask, and a signal delivered to one of them would kill the process.
void CatchSignals();

// As if the first signal had come. Thread-safe.
void RequestDrain();

enum class ProcessEvent { kHangUp, kTerminate, kDrainRequested };

// Waits for the next event, perhaps one that came before this call. A kTerminate or kDrainRequested
// is the last one that is worth waiting for.
ProcessEvent WaitForProcessEvent();

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SIGNALS_H_
