# Sourced by deploy/quickstart and tests/run: compiling, the default model, the starter bundle.
# The caller has set `repository`.
# shellcheck shell=bash
: "${repository:?}"

export CCACHE_DIR=${CCACHE_DIR:-$repository/.cache/ccache}

# shellcheck disable=SC2034 # for the scripts that source this
readonly BUILD_HINT='The first error above is the one that counts. A killed compiler means too little memory: set
POINTSMAN_JOBS=1. Missing packages: deploy/setup/packages.txt. Then run the same command again;
what is built stays built.'

# shellcheck disable=SC2034
readonly MODEL_HINT='If the disk is full: about 100 MB are needed. If a package is said to be altered: delete
.cache/venv. Then run the same command again.'

# shellcheck disable=SC2034
readonly BUNDLE_HINT='The message names file, line and field of what is wrong in deploy/starter; a golden query
that is not met names the model that would be chosen now.'

# As many compilers as there are cores, but none without 1.5 GB: gRPC's headers are large.
build_jobs() {
  local cores available_kb jobs
  cores=$(nproc)
  available_kb=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
  jobs=$((available_kb / 1500000))
  if ((jobs > cores)); then jobs=$cores; fi
  if ((jobs < 1)); then jobs=1; fi
  echo "${POINTSMAN_JOBS:-$jobs}"
}

# configure PRESET ON|OFF: with or without tests. A tree that already has tests keeps them.
configure() {
  local preset=$1 tests=$2 cache=$repository/build/$1/CMakeCache.txt
  if [[ -f $repository/build/$preset/build.ninja ]]; then
    if [[ $tests == OFF ]] || grep -q '^POINTSMAN_BUILD_TESTS:BOOL=ON$' "$cache"; then
      return
    fi
  fi
  (cd "$repository" && cmake --preset "$preset" -DPOINTSMAN_BUILD_TESTS="$tests")
}

# build PRESET ON|OFF [TARGET...]: all targets where none is named.
build() {
  local preset=$1 tests=$2
  shift 2
  configure "$preset" "$tests"
  local targets=()
  if (($# > 0)); then targets=(--target "$@"); fi
  cmake --build "$repository/build/$preset" --parallel "$(build_jobs)" "${targets[@]}"
}

# make_model: the default embedder at .cache/model.
make_model() {
  "$repository/.cache/venv/model/bin/python" "$repository/deploy/model/distil" \
    --out "$repository/.cache/model"
}

# The digest of all that the starter bundle is made from: sources, model, builder.
starter_fingerprint() {
  (
    cd "$repository" || exit
    find deploy/starter -type f -print0 | sort -z | xargs -0 sha256sum
    cat .cache/model/SHA256SUMS
    sha256sum build/release/index/tool/pointsman-index
  ) | sha256sum
}

# build_starter_bundle: at .cache/starter-bundle, unless nothing has changed since it was built.
build_starter_bundle() {
  local bundle=$repository/.cache/starter-bundle stamp=$repository/.cache/starter-bundle.made-from
  local fingerprint
  fingerprint=$(starter_fingerprint)
  if [[ -f $bundle/manifest.json && -f $stamp && $(<"$stamp") == "$fingerprint" ]]; then
    note 'up to date'
    return
  fi
  rm -f "$stamp"
  "$repository/build/release/index/tool/pointsman-index" build "$repository/deploy/starter" \
    --model "$repository/.cache/model" --out "$bundle"
  echo "$fingerprint" >"$stamp"
}
