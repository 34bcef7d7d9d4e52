// One thread that does work when nothing else wants the processor (SCHED_IDLE), for somebody who
// waits for it.
//
// A thread of its own, since one that has become idle work cannot go back without privileges; and
// one that stays, since what each new thread allocates would come from another of the allocator's
// heaps.
#ifndef POINTSMAN_SERVER_RELOAD_BACKGROUND_THREAD_H_
#define POINTSMAN_SERVER_RELOAD_BACKGROUND_THREAD_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace pointsman::server {

class BackgroundThread {
 public:
  BackgroundThread();
  ~BackgroundThread();
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;

  // Has `work`, which must not throw, done there, and waits for its end. One caller at a time.
  void RunAndWait(const std::function<void()>& work);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;  // guarded by mutex_; null: nothing to do
  bool stop_ = false;                            // guarded by mutex_
  std::thread thread_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_RELOAD_BACKGROUND_THREAD_H_
