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
          queue.Push(task.get());
        }
      });
    }
    for (std::thread& producer : producers) producer.join();
  }
  EXPECT_EQ(ran, kProducers * kEach);
}

}  // namespace
}  // namespace pointsman::server
