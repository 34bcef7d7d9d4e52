# Sourced by deploy/quickstart and tests/run: the Debian packages of packages.txt.
# The caller has set `repository`.
# shellcheck shell=bash
: "${repository:?}"

# package_names GROUP...: the packages of these groups, one a line.
package_names() {
  local groups=" $* "
  awk -F'|' -v groups="$groups" '
    /^[^#]/ { gsub(/ /, "", $1); gsub(/ /, "", $2); if (index(groups, " " $2 " ")) print $1 }
  ' "$repository/deploy/setup/packages.txt"
}

# missing_packages GROUP...: those that are not installed.
missing_packages() {
  local name
  for name in $(package_names "$@"); do
    if [[ $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null) != installed ]]; then
      echo "$name"
    fi
  done
}

# install_packages GROUP...: a step; asks for the sudo password first where one is needed.
install_packages() {
  if ! command -v apt-get >/dev/null; then
    echo 'No apt-get here: going on with what is installed. deploy/setup/packages.txt lists what' \
      'is needed, in the names of Debian 12.'
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]} == 0)); then
    run_step 'packages' '' note 'all installed'
    return
  fi
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      printf 'Packages are missing and there is no sudo. As root:\n\n  apt-get install %s\n' \
        "${missing[*]}"
      exit 1
    fi
    echo "sudo is needed to install: ${missing[*]}"
    sudo -v
  fi
  run_step 'packages' \
    'If it is the network: check the proxy and /etc/apt/sources.list; for a lock: another apt is
running, wait for it; if the disk is full: about 2 GB are needed. Then run the same command again.' \
    apt_install "${missing[@]}"
}

apt_install() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
  if ((EUID != 0)); then apt=(sudo "${apt[@]}"); fi
  # One unreachable list of a third party must not matter; if Debian's own is missing, install says so.
  "${apt[@]}" update || echo 'apt-get update failed; going on with the lists that are there'
  "${apt[@]}" install --yes --no-install-recommends "$@"
  note "$# installed"
}
