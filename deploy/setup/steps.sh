# Sourced by deploy/quickstart and tests/run: runs the steps of a script and says how they went.
#
#   run_step TITLE HINT COMMAND [ARGUMENT...]
#
# runs COMMAND (a program or a shell function) with its output in a log, shows on one line what it
# is doing and how long it took, and on failure shows the end of the log and HINT, what the reader
# can do about it, and ends the script with exit status 1. Call it as a plain command: bash ignores
# `set -e` inside `if run_step` and `run_step ||`.
# The caller has set `repository`, and `log_directory`, where the logs go.
# shellcheck shell=bash
: "${repository:?}"
: "${log_directory:?}"

export LC_ALL=C.UTF-8  # the same decimal point and the same UTF-8 output everywhere

readonly LOG_TAIL_LINES=30
readonly HEARTBEAT_SECONDS=30  # how often a long step reports to something that is no terminal

step_titles=()
step_times=()
step_notes=()
heartbeat_pid=
running_title=

# One script at a time in a working copy. A script that another one calls runs under its lock.
take_lock() {
  if [[ -n ${POINTSMAN_LOCK_HELD-} ]]; then return; fi
  mkdir -p "$repository/.cache"
  exec 9>"$repository/.cache/lock"
  if ! flock --nonblock 9; then
    echo 'Another deploy/quickstart or tests/run is at work in this folder; waiting for it.'
    flock 9
  fi
  export POINTSMAN_LOCK_HELD=1
}

now_ms() {
  local microseconds=${EPOCHREALTIME/[.,]/}
  echo $((microseconds / 1000))
}

as_seconds() {  # milliseconds -> "12.3 s"
  printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# For use inside a step: a remark that stands beside it in the output and in the summary.
note() {
  echo "$*"
  echo "$*" >"$log_directory/.note"
}

run_step() {
  local title=$1 hint=$2
  shift 2
  mkdir -p "$log_directory"
  local log=$log_directory/${title//[^A-Za-z0-9]/-}.log
  local started status elapsed remark=
  rm -f "$log_directory/.note"
  started=$(now_ms)
  : >"$log"

  running_title=$title
  heartbeat "$title" "$log" &
  heartbeat_pid=$!
  # Not `if (...)`: that would switch `set -e` off inside the step.
  set +e
  (
    set -e
    "$@"
  ) >"$log" 2>&1 </dev/null
  status=$?
  set -e
  stop_heartbeat
  running_title=

  elapsed=$(($(now_ms) - started))
  if ((status != 0)); then
    printf 'FAILED %8s  %s\n' "$(as_seconds $elapsed)" "$title"
    printf '\nThe last lines of %s:\n' "$log"
    tail -n "$LOG_TAIL_LINES" "$log" | sed 's/^/  | /'
    printf '\n%s\n' "$hint"
    exit 1
  fi
  if [[ -f $log_directory/.note ]]; then
    remark=$(<"$log_directory/.note")
    rm -f "$log_directory/.note"
  fi
  printf 'ok     %8s  %s%s\n' "$(as_seconds $elapsed)" "$title" "${remark:+ ($remark)}"
  step_titles+=("$title")
  step_times+=("$elapsed")
  step_notes+=("$remark")
}

# Shows the last line of the log while the step runs: in place on a terminal, now and then elsewhere.
heartbeat() {
  local title=$1 log=$2 seconds=0 line
  while sleep 1; do
    seconds=$((seconds + 1))
    line=$(tail -c 400 "$log" | tr '\r' '\n' | grep -av '^[[:space:]]*$' | tail -n 1) || line=
    if [[ -t 1 ]]; then
      printf -v line '...    %6d s  %s: %s' "$seconds" "$title" "$line"
      printf '\r\033[K%s' "${line:0:79}"  # one line of the narrowest usual terminal
    elif ((seconds % HEARTBEAT_SECONDS == 0)); then
      printf '...    %6d s  %s: %s\n' "$seconds" "$title" "${line:0:120}"
    fi
  done
}

stop_heartbeat() {
  [[ -n $heartbeat_pid ]] || return 0
  kill "$heartbeat_pid" 2>/dev/null || true
  wait "$heartbeat_pid" 2>/dev/null || true
  heartbeat_pid=
  if [[ -t 1 ]]; then printf '\r\033[K'; fi
}

# Ctrl-C reaches the command of the step too, which may answer it by failing: without this trap that
# would be reported as a failure.
trap 'exit 130' INT

# To be called from the caller's EXIT trap.
finish_steps() {
  stop_heartbeat
  if [[ -n $running_title ]]; then
    printf '\ninterrupted: %s. Run the same command again, it goes on from there.\n' "$running_title"
  fi
}

print_summary() {
  local total=0 i
  printf '\n%10s  %s\n' 'time' 'step'
  for i in "${!step_titles[@]}"; do
    printf '%10s  %s%s\n' "$(as_seconds "${step_times[i]}")" "${step_titles[i]}" \
      "${step_notes[i]:+ (${step_notes[i]})}"
    total=$((total + step_times[i]))
  done
  printf '%10s  in all\n' "$(as_seconds $total)"
}
