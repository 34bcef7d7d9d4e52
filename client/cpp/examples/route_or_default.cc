// Always ends with a model, whether a router answers or not.
#include <cstdlib>
#include <iostream>

#include "pointsman/client/client.h"
#include "pointsman/client/default_ranking.h"
#include "pointsman/client/explain.h"

int main() {
  pointsman::client::ConnectOptions options;
  if (const char* target = std::getenv("POINTSMAN_TARGET")) options.target = target;
  auto router = pointsman::client::Client::Create(options);
  if (!router.ok()) {
    std::cerr << router.status().message() << "\n";
    return 1;
  }
  // The application's own order, for when nobody knows better.
  const auto ranking = pointsman::client::RankIds({"medium", "large"});
  for (const char* text : {"hi", "Write a lock-free queue in C++20."}) {
    pointsman::v1::RouteRequest request;
    request.set_text(text);
    const auto routed = (*router)->RouteOrDefault(request, ranking);
    std::cout << text << "\n" << pointsman::client::ExplainText(routed) << "\n";
  }
  const auto counts = (*router)->default_counts();
  std::cout << counts.by_router << " decided by a router, " << counts.by_default << " by default\n";
  return 0;
}
