// Working memory of a thread that decides, so that a usual request allocates nothing.
#ifndef POINTSMAN_SERVER_THREAD_WORKSPACE_H_
#define POINTSMAN_SERVER_THREAD_WORKSPACE_H_

#include <array>
#include <cstddef>

#include "index/engine.h"
#include "server/decision_id.h"

namespace pointsman::server {

// First block of a request's arena: with it a usual request and its response need no allocation.
inline constexpr size_t kArenaBlockBytes = size_t{64} << 10;

// A thread works on one request at a time.
struct Workspace {
  Engine::Scratch scratch;
  DecisionIdGenerator ids;
  alignas(std::max_align_t) std::array<char, kArenaBlockBytes> arena_block;
};

// This thread's own.
Workspace& ThreadWorkspace();

// Called by threads that read: see thread_workspace.cc. Costs nothing after the first call.
void ReadInBatches();

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_THREAD_WORKSPACE_H_
