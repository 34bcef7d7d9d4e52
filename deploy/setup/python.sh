# Sourced by deploy/quickstart and tests/run: private Python environments, with Debian's Python.
# shellcheck shell=bash

# shellcheck disable=SC2034 # for the scripts that source this
readonly PIP_HINT='If it is the network: check the proxy (https_proxy) and that the package index can be
reached. If the disk is full: about 500 MB are needed. Then run the same command again.'

# make_venv DIRECTORY REQUIREMENTS...: an environment with the packages of these files. A file that
# gives digests is complete: each package is checked, and none is added that it does not name. Made
# again from nothing when a file or Python changes; never left half-made.
make_venv() {
  local directory=$1
  shift
  local fingerprint
  fingerprint=$({ /usr/bin/python3 --version && cat "$@"; } | sha256sum)
  if [[ -f $directory/.complete && $(<"$directory/.complete") == "$fingerprint" ]]; then
    note 'up to date'
    return
  fi
  rm -rf "$directory"
  # shellcheck disable=SC2064 # the directory of now
  trap "rm -rf '$directory'" EXIT
  mkdir -p "$(dirname "$directory")"
  /usr/bin/python3 -m venv "$directory"
  local file flags
  for file in "$@"; do
    flags=()
    if grep -q -e '--hash=' "$file"; then flags=(--require-hashes --no-deps); fi
    # The machine's own list of certificate authorities: pip's may lack that of a company's proxy.
    PIP_CERT=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt} \
      "$directory/bin/python" -m pip install --disable-pip-version-check --no-input "${flags[@]}" \
      --requirement "$file"
  done
  echo "$fingerprint" >"$directory/.complete"
  trap - EXIT
}
