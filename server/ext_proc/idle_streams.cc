#include "server/ext_proc/idle_streams.h"

#include <algorithm>

namespace pointsman::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

}  // namespace

IdleStreams::IdleStreams(milliseconds patience)
    : patience_(patience), thread_(&IdleStreams::Run, this) {}

IdleStreams::~IdleStreams() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

bool IdleStreams::Add(Stream* stream) {
  const std::lock_guard lock(mutex_);
  if (stream->came_early_ > 0) {
    --stream->came_early_;
    return true;
  }
  if (end_all_) {
    stream->state_ = Stream::State::kEnded;
    return false;
  }
  stream->state_ = Stream::State::kIdle;
  stream->since_ = steady_clock::now();
  stream->place_ = idle_.insert(idle_.end(), stream);
  return true;
}

bool IdleStreams::Remove(Stream* stream) {
  const std::lock_guard lock(mutex_);
  switch (stream->state_) {
    case Stream::State::kIdle:
      idle_.erase(stream->place_);
      stream->state_ = Stream::State::kBusy;
      return true;
    case Stream::State::kBusy:  // on its way to Add
      ++stream->came_early_;
      return true;
    default:
      return false;
  }
}

void IdleStreams::EndOlderThan(steady_clock::time_point bound) {
  const std::lock_guard one_batch(ending_);
  std::list<Stream*> taken;
  {
    const std::lock_guard lock(mutex_);
    const auto end = std::ranges::find_if(
        idle_, [bound](const Stream* stream) { return stream->since_ >= bound; });
    taken.splice(taken.end(), idle_, idle_.begin(), end);
    for (Stream* stream : taken) stream->state_ = Stream::State::kEnded;
  }
  for (Stream* stream : taken) stream->EndIdle();
}

void IdleStreams::EndAll() {
  {
    const std::lock_guard lock(mutex_);
    end_all_ = true;
  }
  EndOlderThan(steady_clock::time_point::max());
}

void IdleStreams::Run() {
  const milliseconds look_every = std::max(patience_ / 8, milliseconds(1));
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, look_every, [this] { return stop_; })) {
    lock.unlock();
    EndOlderThan(steady_clock::now() - patience_ + look_every);
    lock.lock();
  }
}

}  // namespace pointsman::server
