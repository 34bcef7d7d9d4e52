// Streams that owe nothing and wait for what may never come: the headers of an upstream's response.
// They are ended, with OK, so that Envoy goes on without us: each after a while, since a model may
// think longer than its connection lives, and all when the server drains.
#ifndef POINTSMAN_SERVER_EXT_PROC_IDLE_STREAMS_H_
#define POINTSMAN_SERVER_EXT_PROC_IDLE_STREAMS_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <thread>

namespace pointsman::server {

// Thread-safe.
class IdleStreams {
 public:
  // One that can wait. Its next message may come at any moment, also while it is being added or
  // ended; whichever is first under the lock wins.
  class Stream {
   public:
    virtual ~Stream() = default;
    // It is not waited for any longer. Called once at most; the stream must live until then, and
    // may be removed, but not added, from within.
    virtual void EndIdle() = 0;

   private:
    friend class IdleStreams;
    enum class State : uint8_t { kBusy, kIdle, kEnded };
    State state_ = State::kBusy;
    int came_early_ = 0;  // messages that were here before Add
    std::chrono::steady_clock::time_point since_;
    std::list<Stream*>::iterator place_;
  };

  // A stream waits for `patience` at most, and for seven eighths of it at least.
  explicit IdleStreams(std::chrono::milliseconds patience);
  // No stream may be left.
  ~IdleStreams();

  // Lets `stream`, whose next message has been asked for, wait. False if it must end instead.
  bool Add(Stream* stream);
  // Its next message has come, or its end. False if it has been ended: EndIdle is or will be
  // called.
  bool Remove(Stream* stream);
  // Ends those that wait; none is added any more. All have been told when this returns.
  void EndAll();

 private:
  void Run();
  // Those that wait since before `bound`.
  void EndOlderThan(std::chrono::steady_clock::time_point bound);

  const std::chrono::milliseconds patience_;
  std::mutex ending_;  // one batch at a time is told; taken before mutex_
  std::mutex mutex_;
  std::condition_variable stopped_;
  std::list<Stream*> idle_;  // guarded by mutex_, as the rest; oldest first
  bool end_all_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_EXT_PROC_IDLE_STREAMS_H_
