// A decision as text for people.
#ifndef POINTSMAN_CLIENT_EXPLAIN_H_
#define POINTSMAN_CLIENT_EXPLAIN_H_

#include <string>

#include "pointsman/client/client.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::client {

struct ExplainOptions {
  bool colour = false;  // ANSI attributes, for a terminal
  // Also the evidence, the rules that fired (both only in answers to requests with `explain`) and
  // what would change the decision.
  bool reasons = true;
};

// Several lines: the choice, the ranked candidates, the rejected models, what weakened the decision
// and where it was made. Text that came with the bundle is made safe for a terminal.
std::string ExplainText(const v1::RouteResponse& response, const ExplainOptions& options = {});

// The same, under a first line that says so where no router decided.
std::string ExplainText(const Routed& routed, const ExplainOptions& options = {});

}  // namespace pointsman::client

#endif  // POINTSMAN_CLIENT_EXPLAIN_H_
