// Telling systemd how it goes (sd_notify(3), Type=notify): READY=1, STOPPING=1.
#ifndef POINTSMAN_SERVER_SERVICE_NOTIFY_H_
#define POINTSMAN_SERVER_SERVICE_NOTIFY_H_

#include <string_view>

namespace pointsman::server {

// Sends `state` to the socket that NOTIFY_SOCKET names; does nothing without one. A failure is not
// reported: the service works without its manager knowing.
void NotifyServiceManager(std::string_view state);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SERVICE_NOTIFY_H_
