# shellcheck shell=bash
# A free-threaded CPython from the distribution's own source, once a machine and user.
#
# Every step is either whole or done again: the download is renamed when its sum is right, the source tree when it is
# unpacked, the configuration has a stamp, make knows what it has compiled, and the interpreter is installed next to its
# place and renamed into it.

# source_of VERSION: its release, the path in the pool, the SHA-256. FTORCH_SOURCE replaces them (tests).
source_of() {
    if [ -n "${FTORCH_SOURCE:-}" ]; then
        echo "$FTORCH_SOURCE"
        return
    fi
    case $1 in
        3.14t) echo 3.14.7 pool/main/p/python3.14/python3.14_3.14.7.orig.tar.xz \
            3b48dac8fb59f62eaa67ac83c1eb12bda1b7a08406dd286e252c11a66be27f81 ;;
        3.15t) echo 3.15.0rc2 pool/main/p/python3.15/python3.15_3.15.0~rc2.orig.tar.xz \
            8d93af5eaaaea5adfd41bd786a7ba3f03f2ad1ab57c6a65e0b963deab91d5ad7 ;;
    esac
}

# prefix_of VERSION: where its build is installed.
prefix_of() {
    local release
    read -r release _ <<<"$(source_of "$1")"
    echo "$cache/python/${release}t$([ "${FTORCH_PGO:-0}" = 1 ] && echo -pgo || true)"
}

# built_interpreter VERSION: the path of the one built earlier, there or not.
built_interpreter() { echo "$(prefix_of "$1")/bin/python$1"; }

# build_interpreter VERSION: leaves it at built_interpreter's path, or ends with the reason.
build_interpreter() {
    local version=$1 release path sha256 prefix
    is_debian_family || die_with_ways "found no free-threaded Python; $(os_field PRETTY_NAME) is not built for here"
    read -r release path sha256 <<<"$(source_of "$version")"
    prefix=$(prefix_of "$version")
    hold_lock "$cache/build.lock" "another set-up is building Python and"
    if [ -x "$prefix/bin/python$version" ]; then return; fi
    say "set-up: found no free-threaded Python; building CPython $release (once a machine, a few minutes)"
    install_build_packages
    local archive=$cache/downloads/${path##*/} tree=$cache/build/${prefix##*/}
    fetch "$path" "$sha256" "$archive" || die_with_ways "no archive in the apt configuration gives $path"
    local resumed=0
    if [ -e "$tree/.ftorch-configured" ]; then resumed=1; fi
    if compile "$archive" "$tree" "$prefix" "$version"; then return; fi
    if [ "$resumed" = 0 ]; then die_with_log "$failed_log" "building CPython $release failed"; fi
    say "set-up: what an earlier call had compiled is of no use; building afresh"
    rm -rf -- "$tree"
    compile "$archive" "$tree" "$prefix" "$version" ||
        die_with_log "$failed_log" "building CPython $release failed"
}

# A line of make's that compiles a file.
compiles=' -c .*\.o( |$)'

# compile ARCHIVE TREE PREFIX VERSION: unpack, configure, make, install. On failure `failed_log` names the log.
compile() {
    local archive=$1 tree=$2 prefix=$3 version=$4
    failed_log=$cache/logs/unpack.log
    unpack "$archive" "$tree" || return 1
    failed_log=$cache/logs/configure.log
    configure "$tree" "$prefix" || return 1
    failed_log=$cache/logs/make.log
    local total
    total=$(make -C "$tree" -n 2>/dev/null | grep -cE -- "$compiles") || true
    with_progress "compiling CPython, files" "$compiles" "$total" "$failed_log" \
        make -C "$tree" -j "$(nproc)" || return 1
    failed_log=$cache/logs/install.log
    install_build "$tree" "$prefix" "$version"
}

unpack() {
    if [ -d "$2" ]; then return; fi
    rm -rf -- "$2.unpack"
    mkdir -p -- "$2.unpack"
    with_progress "unpacking" "" 0 "$failed_log" tar -xf "$1" -C "$2.unpack" --strip-components=1 || return 1
    mv -- "$2.unpack" "$2"
}

# CFLAGS from the environment would take the place of CPython's own -O3.
configure() {
    local tree=$1 prefix=$2 stamp=$1/.ftorch-configured
    local options=(--disable-gil "--prefix=$prefix" --with-ensurepip=no)
    if [ "${FTORCH_PGO:-0}" = 1 ]; then
        options+=(--enable-optimizations --with-lto)
    else
        options+=(--disable-test-modules)
    fi
    if [ "$(cat "$stamp" 2>/dev/null)" = "${options[*]}" ]; then return; fi
    with_progress "configuring CPython, checks" '^checking' 0 "$failed_log" \
        env -u CFLAGS -C "$tree" ./configure "${options[@]}" || return 1
    echo "${options[*]}" >"$stamp"
}

# keep_tests FROM TO: of CPython's own tests (31 MB) those of executors, and what they need (0.5 MB):
# ours must pass them.
keep_tests() {
    if [ -d "$2" ]; then return; fi
    mkdir -p -- "$2" && cp -R -- "$1/__init__.py" "$1/support" "$1/test_concurrent_futures" "$2"
}

# The standard modules are tried before the rename: a build without them would be taken for whole ever after.
install_build() {
    local tree=$1 prefix=$2 version=$3
    local stage=$cache/stage
    rm -rf -- "$stage"
    with_progress "installing CPython" "" 0 "$failed_log" make -C "$tree" altinstall "DESTDIR=$stage" || return 1
    keep_tests "$tree/Lib/test" "$stage$prefix/lib/python$version/test" || return 1
    local why
    why=$(objection "$stage$prefix/bin/python$version" "$version")
    if [ -n "$why" ]; then
        echo "the interpreter that was built will not do: $why" >>"$failed_log"
        return 1
    fi
    # What it was made from: the image's bill of materials tells it.
    source_of "$version" >"$stage$prefix/SOURCE" || return 1
    mkdir -p -- "$(dirname -- "$prefix")" && rm -rf -- "$prefix" && mv -- "$stage$prefix" "$prefix" || return 1
    rm -rf -- "$stage" "$tree"
}
