# Sourced by deploy/quickstart: starting and stopping a server of this repository by its pid.
#
# The state of one server is a directory: ports.json (written by the server once it is SERVING) and
# server.log.
# The caller has set `repository`.
# shellcheck shell=bash
: "${repository:?}"

# shellcheck disable=SC2034 # for the scripts that source this
readonly SERVER_HINT='If the address is in use: another program has the port. --port 0 takes free ones,
--port N --metrics-port N others, deploy/quickstart --stop ends a server left running.'

readonly SERVER_START_SECONDS=20
readonly SERVER_STOP_SECONDS=15

server_binary() { echo "$repository/build/release/server/pointsman-server"; }

# server_value STATE KEY: a number of ports.json: grpc_port, metrics_port or pid. Empty: none.
server_value() {
  if [[ -f $1/ports.json ]]; then
    sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p" "$1/ports.json"
  fi
}

# running_pid STATE: the pid if that process is still the server, and not another that got its number.
running_pid() {
  local pid
  pid=$(server_value "$1" pid)
  if [[ -n $pid && $(readlink "/proc/$pid/exe" 2>/dev/null) == "$(server_binary)"* ]]; then
    echo "$pid"
  fi
}

# start_server STATE BUNDLE PORT METRICS_PORT: returns once it is SERVING.
start_server() {
  local state=$1 bundle=$2 port=$3 metrics_port=$4 waited pid
  mkdir -p "$state"
  rm -f "$state/ports.json"
  # Its own session, so that it outlives this script; and without the script's lock (9).
  setsid "$(server_binary)" --bundle "$bundle" --listen-address "127.0.0.1:$port" \
    --metrics-listen-address "127.0.0.1:$metrics_port" --port-file "$state/ports.json" \
    --lame-duck-ms 0 >"$state/server.log" 2>&1 </dev/null 9>&- &
  pid=$!
  for ((waited = 0; waited < SERVER_START_SECONDS * 20; ++waited)); do
    if [[ -f $state/ports.json ]]; then
      note "pid $(server_value "$state" pid), 127.0.0.1:$(server_value "$state" grpc_port)"
      return
    fi
    if ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.05
  done
  kill "$pid" 2>/dev/null || true
  cat "$state/server.log"
  echo "pointsman-server did not begin to serve within $SERVER_START_SECONDS s, or ended"
  return 1
}

# stop_server STATE: asks it to drain and waits; ends it by force if it does not.
stop_server() {
  local state=$1 pid waited
  pid=$(running_pid "$state")
  if [[ -n $pid ]]; then
    kill "$pid"
    for ((waited = 0; waited < SERVER_STOP_SECONDS * 20; ++waited)); do
      if [[ -z $(running_pid "$state") ]]; then break; fi
      sleep 0.05
    done
    if [[ -n $(running_pid "$state") ]]; then kill -KILL "$pid"; fi
  fi
  rm -f "$state/ports.json"
}
