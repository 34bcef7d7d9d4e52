// An application that must have a model, whether or not a router is there. Nobody listens on port
// 1, so it takes its own default, and says so.
#include <iostream>

#include "pointsman/client/client.h"
#include "pointsman/client/explain.h"

int main() {
  namespace client = pointsman::client;
  const auto router = client::Client::Create({.target = "127.0.0.1:1"});
  if (!router.ok()) {
    std::cerr << router.status() << "\n";
    return 1;
  }
  pointsman::v1::RouteRequest request;
  request.set_text("What is the capital of France?");
  const client::Routed routed =
      (*router)->RouteOrDefault(request, client::RankIds({"my-safe-model"}));
  std::cerr << client::ExplainText(routed);
  const bool defaulted = routed.source == client::Source::kDefaultRanking;
  std::cout << routed.response.model() << (defaulted ? " by default ranking\n" : " by router\n");
}
