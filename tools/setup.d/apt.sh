# shellcheck shell=bash
# What Debian and Ubuntu give: the base addresses this machine uses, and the packages a build needs.

apt_helper=/usr/lib/apt/apt-helper
build_packages=${FTORCH_BUILD_PACKAGES-build-essential pkg-config xz-utils ca-certificates libssl-dev zlib1g-dev
    libbz2-dev liblzma-dev libffi-dev libzstd-dev libsqlite3-dev libreadline-dev uuid-dev}
# What some tests start; they skip where it is not there.
test_packages=${FTORCH_TEST_PACKAGES-redis-server podman buildah runc golang-github-containers-common debootstrap}

# os_field NAME: a field of os-release, without its quotes.
os_field() {
    local file=${FTORCH_OS_RELEASE:-/etc/os-release}
    [ -r "$file" ] || return 0
    sed -n "s/^$1=//p" "$file" | tr -d "\"'"
}

is_debian_family() {
    [[ " $(os_field ID) $(os_field ID_LIKE) " =~ \ (debian|ubuntu)\  ]] && [ -x "$apt_helper" ]
}

# apt_bases: the base addresses of the archives in the apt configuration, one a line, security archives last
# (their pool has no such source). ReleaseInfo=false: even where apt-get update was never called, as in a new
# container. A `mirror+file:` entry stands for the addresses in its file.
apt_bases() {
    # shellcheck disable=SC2016  # apt-get's own variable
    apt-get indextargets -o APT::Get::IndexTargets::ReleaseInfo=false --format '$(REPO_URI)' 2>/dev/null |
        awk '!seen[$0]++' |
        while read -r base; do
            case $base in
                mirror+file:*) mirrors_in "${base#mirror+file:}" ;;
                cdrom:* | mirror:* | mirror+*) ;;
                *) echo "$base" ;;
            esac
        done |
        sed 's:/*$:/:' |
        awk '/security/ {late[++n] = $0; next} {print} END {for (i = 1; i <= n; i++) print late[i]}'
}

# mirrors_in PATH: the addresses in a list of mirrors; apt ends the path with a slash of its own.
mirrors_in() { awk '/^[a-z]+:/ {print $1}' "${1%/}" 2>/dev/null || true; }

# missing_packages NAME…: those that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
    done
}

# install_build_packages: as root, installs what is missing; as anyone else, names the command and ends.
install_build_packages() {
    local missing log=$cache/logs/apt.log
    # shellcheck disable=SC2086  # one word a package
    missing=$(missing_packages $build_packages)
    if [ -z "$missing" ]; then return; fi
    if [ "$(id -u)" != 0 ]; then
        die "building Python needs packages that are not installed. Run this, then call set-up again:
  sudo apt-get install -y --no-install-recommends ${missing% }"
    fi
    say "set-up: installing ${missing% }"
    # shellcheck disable=SC2086  # one word a package
    if with_progress "installing build packages" "^Setting up" 0 "$log" install_packages $missing; then return; fi
    die_with_log "$log" "apt-get could not install the packages a build needs"
}

# install_test_packages: as root on Debian and Ubuntu, installs what some tests start; else, or where that fails, says
# what they will do without. Never an end: a user's `make run` needs none of it.
install_test_packages() {
    local missing log=$cache/logs/apt-tests.log
    if ! is_debian_family; then
        say "set-up: tests that start $test_packages skip where it is not on the PATH"
        return
    fi
    # shellcheck disable=SC2086  # one word a package
    missing=$(missing_packages $test_packages)
    if [ -z "$missing" ]; then return; fi
    if [ "$(id -u)" != 0 ]; then
        say "set-up: tests that start ${missing% } will skip; to have them run:
  sudo apt-get install -y --no-install-recommends ${missing% }"
        return
    fi
    say "set-up: installing ${missing% } for the tests"
    # shellcheck disable=SC2086  # one word a package
    if with_progress "installing what tests start" "^Setting up" 0 "$log" install_packages $missing; then return; fi
    say "set-up: apt-get could not install ${missing% }: tests that start them will skip; the log: $log"
}

# The lists may be absent (a container) or old, and an interrupted dpkg wants to be finished first.
install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    dpkg --configure -a
    local install=(apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@")
    "${install[@]}" || { apt-get update -o DPkg::Lock::Timeout=120 && "${install[@]}"; }
}

# fetch PATH SHA256 FILE: from the first archive that has it; apt verifies the sum and goes on with a part.
fetch() {
    local path=$1 sha256=$2 file=$3 log=$cache/logs/fetch.log base
    if [ -f "$file" ] && echo "$sha256  $file" | sha256sum --check --status; then return; fi
    mkdir -p "$(dirname -- "$file")"
    while read -r base; do
        if with_progress "fetching ${path##*/}" "" 0 "$log" "$apt_helper" -o Acquire::http::Timeout=20 \
            -o Acquire::https::Timeout=20 -o Acquire::Retries=2 download-file "$base$path" "$file.part" "SHA256:$sha256"; then
            mv -- "$file.part" "$file"
            return
        fi
        rm -f -- "$file.part.FAILED"
        say "set-up: ${base} does not give ${path##*/}"
    done < <(apt_bases)
    return 1
}
