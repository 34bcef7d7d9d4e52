// The threads that decide, and the queue in front of them.
//
// gRPC's own threads read sockets; were they to decide as well when all are busy, nobody would be
// left to read, and requests would wait unseen where they can be neither counted nor refused. So at
// most a few decide in place, which spares the change of thread while there is little to do, and
// the rest goes to workers.
#ifndef POINTSMAN_SERVER_ADMISSION_WORK_QUEUE_H_
#define POINTSMAN_SERVER_ADMISSION_WORK_QUEUE_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace pointsman::server {

// Thread-safe. First come, first served.
class WorkQueue {
 public:
  // Links itself into the queue, so that queueing allocates nothing.
  class Task {
   public:
    virtual ~Task() = default;
    // Does the work, or a slice of it. False: not done yet, goes to the end of the queue. After
    // true the task may be gone.
    virtual bool Run() = 0;

   private:
    friend class WorkQueue;
    Task* next_ = nullptr;
  };

  explicit WorkQueue(int workers);
  // Runs what is queued to its end first.
  ~WorkQueue();

  // Bounded by who calls: see Admission.
  void Push(Task* task);

  size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  void Work();

  std::atomic<size_t> waiting_{0};
  std::mutex mutex_;
  std::condition_variable not_empty_;
  Task* first_ = nullptr;  // guarded by mutex_, as the rest
  Task* last_ = nullptr;
  int idle_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_ADMISSION_WORK_QUEUE_H_
