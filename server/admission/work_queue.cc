#include "server/admission/work_queue.h"

#include <sched.h>

namespace pointsman::server {
WorkQueue::WorkQueue(int workers) {
  threads_.reserve(static_cast<size_t>(workers));
  for (int i = 0; i < workers; ++i) threads_.emplace_back(&WorkQueue::Work, this);
}

WorkQueue::~WorkQueue() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  not_empty_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkQueue::Push(Task* task) {
  task->next_ = nullptr;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    (first_ == nullptr ? first_ : last_->next_) = task;
    last_ = task;
    waiting_.fetch_add(1, std::memory_order_relaxed);
    wake = idle_ > 0;
  }
  if (wake) not_empty_.notify_one();
}

void WorkQueue::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    while (first_ == nullptr && !stop_) {
      ++idle_;
      not_empty_.wait(lock);
      --idle_;
    }
    if (first_ == nullptr) return;
    Task* task = first_;
    first_ = task->next_;
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    lock.unlock();
    if (!task->Run()) Push(task);
    if (waiting() > 0) sched_yield();
    lock.lock();
  }
}

}  // namespace pointsman::server
