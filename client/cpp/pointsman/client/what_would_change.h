// What would change a decision: the tradeoff, more evidence, or other limits. Not installed.
#ifndef POINTSMAN_CLIENT_WHAT_WOULD_CHANGE_H_
#define POINTSMAN_CLIENT_WHAT_WOULD_CHANGE_H_

#include <string>
#include <vector>

#include "pointsman/v1/router.pb.h"

namespace pointsman::client {

// One sentence each, without a full stop; empty where nothing is known to change it.
std::vector<std::string> WhatWouldChange(const v1::RouteResponse& response);

// "raise limits.max_cost_usd from 0.001 to 0.0042 and model-x qualifies".
std::string RelaxationSentence(const v1::Relaxation& relaxation);

// The field of the request that a rejection for this reason is about, such as
// "limits.max_cost_usd"; empty where no field is.
std::string LimitField(v1::RejectionReason reason);

// A number as people read it: four significant digits, no exponent for small amounts of money.
std::string Number(double value);

}  // namespace pointsman::client

#endif  // POINTSMAN_CLIENT_WHAT_WOULD_CHANGE_H_
