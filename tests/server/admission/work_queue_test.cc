#include "server/admission/work_queue.h"

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::server {
namespace {

using ::testing::ElementsAre;

class TestTask : public WorkQueue::Task {
 public:
  explicit TestTask(std::function<bool()> run) : run_(std::move(run)) {}
  bool Run() override { return run_(); }

 private:
  std::function<bool()> run_;
};

TEST(WorkQueue, RunsInTheOrderOfArrival) {
  std::vector<int> order;
  std::vector<std::unique_ptr<TestTask>> tasks;
  {
    WorkQueue queue(1);
    for (int i = 0; i < 5; ++i) {
      tasks.push_back(std::make_unique<TestTask>([&order, i] {
        order.push_back(i);
        return true;
      }));
      queue.Push(tasks.back().get());
    }
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4));
}

TEST(WorkQueue, ATaskThatIsNotDoneLetsOthersGoFirst) {
  std::vector<char> order;
  int slices = 0;
  std::promise<void> both_queued;
  std::shared_future<void> queued = both_queued.get_future().share();
  TestTask batch([&] {
    queued.wait();
    order.push_back('b');
    return ++slices == 3;
  });
  TestTask single([&] {
    order.push_back('s');
    return true;
  });
  {
    WorkQueue queue(1);
    queue.Push(&batch);
    queue.Push(&single);
    both_queued.set_value();
  }
  EXPECT_THAT(order, ElementsAre('b', 's', 'b', 'b'));
}

TEST(WorkQueue, FinishesWhatIsQueuedBeforeItEnds) {
  std::atomic<int> ran{0};
  std::vector<std::unique_ptr<TestTask>> tasks;
  {
    WorkQueue queue(2);
    for (int i = 0; i < 1000; ++i) {
      tasks.push_back(std::make_unique<TestTask>([&ran] {
        ++ran;
        return true;
      }));
      queue.Push(tasks.back().get());
    }
  }
  EXPECT_EQ(ran, 1000);
}

TEST(WorkQueue, RunsInPlaceOnTheCallersThreadWhenThereIsNothingElseToDo) {
  WorkQueue queue(1);
  std::thread::id ran_on;
  TestTask task([&ran_on] {
    ran_on = std::this_thread::get_id();
    return true;
  });
  EXPECT_TRUE(queue.TryRunInPlace(&task));
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(WorkQueue, QueuesWhatIsNotDoneInPlace) {
  std::atomic<int> slices{0};
  TestTask task([&slices] { return ++slices == 3; });
  {
    WorkQueue queue(1);
    EXPECT_TRUE(queue.TryRunInPlace(&task));
  }
  EXPECT_EQ(slices, 3);
}

TEST(WorkQueue, DoesNotOvertakeWhatIsQueued) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::promise<void> began;
  TestTask blocker([&] {
    began.set_value();
    released.wait();
    return true;
  });
  TestTask queued([] { return true; });
  TestTask in_place([] { return true; });
  WorkQueue queue(1);
  queue.Push(&blocker);
  began.get_future().wait();
  queue.Push(&queued);
  EXPECT_EQ(queue.waiting(), 1);
  EXPECT_FALSE(queue.TryRunInPlace(&in_place));
  release.set_value();
}

TEST(WorkQueue, KeepsSomeOfManyCallersFree) {
  constexpr int kCallers = 32;
  WorkQueue queue(1);
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> in_place{0};
  std::atomic<int> turned_away{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      TestTask task([&] {
        ++in_place;
        released.wait();
        return true;
      });
      if (!queue.TryRunInPlace(&task)) ++turned_away;
    });
  }
  // Those in place wait for us, so all that can be turned away are.
  while (in_place + turned_away < kCallers) std::this_thread::yield();
  EXPECT_GE(turned_away, kCallers - 8);
  EXPECT_GE(in_place, 1);
  release.set_value();
  for (std::thread& caller : callers) caller.join();
}

TEST(WorkQueue, ManyProducersLoseNothing) {
  constexpr int kProducers = 4;
  constexpr int kEach = 5000;
  std::atomic<int> ran{0};
  std::vector<std::unique_ptr<TestTask>> tasks(kProducers * kEach);
  {
    WorkQueue queue(3);
    std::vector<std::thread> producers;
    for (int producer = 0; producer < kProducers; ++producer) {
      producers.emplace_back([&, producer] {
        for (int i = 0; i < kEach; ++i) {
          auto& task = tasks[static_cast<size_t>(producer * kEach + i)];
          task = std::make_unique<TestTask>([&ran] {
            ran.fetch_add(1);
            return true;
          });
          if (i % 3 != 0 || !queue.TryRunInPlace(task.get())) queue.Push(task.get());
        }
      });
    }
    for (std::thread& producer : producers) producer.join();
  }
  EXPECT_EQ(ran, kProducers * kEach);
}

}  // namespace
}  // namespace pointsman::server
