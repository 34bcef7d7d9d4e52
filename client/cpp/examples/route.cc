// Asks the router at $POINTSMAN_TARGET, else at 127.0.0.1:7431, which model should answer a query.
#include <cstdlib>
#include <iostream>

#include "pointsman/client/client.h"
#include "pointsman/client/explain.h"

int main(int argc, char** argv) {
  pointsman::client::ConnectOptions options;
  if (const char* target = std::getenv("POINTSMAN_TARGET")) options.target = target;

  auto router = pointsman::client::Client::Create(options);
  if (!router.ok()) {
    std::cerr << router.status().message() << "\n";  // an option is out of bounds
    return 1;
  }
  pointsman::v1::RouteRequest request;
  request.set_text(argc > 1 ? argv[1] : "Prove that there are infinitely many primes.");
  request.set_explain(true);
  const auto decision = (*router)->Route(request);
  if (!decision.ok()) {
    std::cerr << decision.status().message() << "\n";
    return 1;
  }
  std::cout << pointsman::client::ExplainText(*decision);
  return 0;
}
