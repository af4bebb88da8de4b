# shellcheck shell=bash
# Which interpreter .venv gets. What the machine has comes before what must be fetched, and that before a build.
# 3.14t comes before 3.15t where both are there: every locked package has a wheel for it.

interpreter=""

# probe PYTHON: "3.14 1 " = version, free-threaded or not, missing standard modules. Empty if it is no Python.
probe() {
    "$1" -I -c '
import importlib, sys, sysconfig
missing = []
for name in ("ctypes", "ensurepip", "ssl", "venv", "zlib"):
    try:
        importlib.import_module(name)
    except ImportError:
        missing.append(name)
free = int(sysconfig.get_config_var("Py_GIL_DISABLED") or 0)
print("%d.%d" % sys.version_info[:2], free, " ".join(missing))
' 2>/dev/null || true
}

# objection PYTHON WANTED: why it will not do; empty if it will. A GIL build is no objection here.
objection() {
    local version free missing
    read -r version free missing <<<"$(probe "$1")" || true
    if [ -z "$version" ]; then
        echo "it does not run, or is not Python"
    elif ((${version%.*} < 3 || (${version%.*} == 3 && ${version#*.} < 14))); then
        echo "it is Python $version, and 3.14 or newer is needed"
    elif [ -n "$2" ] && [ "$version${2##*[0-9]}" != "$2" ]; then
        echo "it is Python $version, and $2 was asked for"
    elif [ -n "$2" ] && [ "$free" != 1 ]; then
        echo "it is a build with the GIL, and $2 was asked for"
    elif [ -n "$missing" ]; then
        echo "it lacks the standard modules: $missing"
    fi
}

is_free_threaded() { [[ $(probe "$1") == *.*' 1 '* ]]; }

# choose_interpreter VENV WANTED: sets `interpreter`, or ends with the reason there is none.
choose_interpreter() {
    local venv=$1 wanted=$2 version
    if [ -n "${FTORCH_PYTHON:-}" ]; then
        take_named "$wanted"
        return
    fi
    if interpreter=$(interpreter_of_stamp "$venv") && [ -z "$(objection "$interpreter" "$wanted")" ]; then return; fi
    for version in ${wanted:-3.14t 3.15t}; do
        if take "$(command -v "python$version" || true)" "$version"; then return; fi
    done
    version=${wanted:-3.14t}
    if take "$(find_with_uv "$version")" "$version"; then return; fi
    if take "$(built_interpreter "$version")" "$version"; then return; fi
    install_with_uv "$version"
    if take "$(find_with_uv "$version")" "$version"; then return; fi
    build_interpreter "$version"
    interpreter=$(built_interpreter "$version")
}

# take PYTHON WANTED: sets `interpreter` if that one will do.
take() {
    if [ -z "$1" ] || [ ! -x "$1" ]; then return 1; fi
    local why
    why=$(objection "$1" "$2")
    if [ -n "$why" ]; then
        say "set-up: passing over $1: $why"
        return 1
    fi
    interpreter=$1
}

# The path behind FTORCH_PYTHON, absolute; empty if there is no such program.
named_interpreter() {
    local path
    path=$(command -v -- "$FTORCH_PYTHON") || return 0
    echo "$(cd -- "$(dirname -- "$path")" && pwd)/${path##*/}"
}

take_named() {
    interpreter=$(named_interpreter)
    if [ -z "$interpreter" ]; then die "FTORCH_PYTHON=$FTORCH_PYTHON: there is no such program"; fi
    local why
    why=$(objection "$interpreter" "$1")
    if [ -n "$why" ]; then die "FTORCH_PYTHON=$FTORCH_PYTHON cannot be used: $why"; fi
    if ! is_free_threaded "$interpreter"; then
        say "set-up: $interpreter is a build with the GIL: jobs run on processes, not threads"
    fi
}

find_with_uv() {
    command -v uv >/dev/null || return 0
    UV_PYTHON_DOWNLOADS=never uv python find --no-project --system "$1" 2>/dev/null || true
}

# A network that drops packets must cost seconds, not minutes.
install_with_uv() {
    command -v uv >/dev/null || return 0
    say "set-up: asking uv for Python $1"
    local log=$cache/logs/uv.log
    if UV_HTTP_TIMEOUT=20 UV_HTTP_CONNECT_TIMEOUT=10 UV_HTTP_RETRIES=0 \
        with_progress "uv python install $1" "" 0 "$log" timeout 300 uv python install "$1"; then
        return
    fi
    say "set-up: uv could not fetch it ($log); going on without"
}
