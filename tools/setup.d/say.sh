# shellcheck shell=bash
# Messages, live progress, interruption. All of it goes to stderr: stdout is for values.

child=""

say() { printf '%s\n' "$*" >&2; }

die() {
    say "set-up: $*"
    exit 1
}

# A child runs in its own process group, so that what it started (a compiler) ends with it.
interrupted() {
    trap '' INT TERM HUP
    if [ -n "$child" ]; then
        { kill -TERM -- "-$child" && wait "$child"; } 2>/dev/null || true
    fi
    say ""
    say "set-up: interrupted; what is done so far is kept, and the next call goes on from there"
    exit "$1"
}

# hold_lock FILE WHO: one at a time, until this process ends. A child that outlives a killed set-up keeps it.
hold_lock() {
    mkdir -p "$(dirname -- "$1")"
    command -v flock >/dev/null || return 0
    local fd
    exec {fd}>"$1"
    flock -n "$fd" && return
    say "set-up: $2 is at work; waiting for it"
    flock "$fd"
}

# with_progress LABEL PATTERN TOTAL LOG COMMAND…: runs it with its output in LOG, and shows how many lines of LOG
# match PATTERN: a live line on a terminal, else a line every 15 seconds. Returns the command's status.
with_progress() {
    local label=$1 pattern=$2 total=$3 log=$4 status=0 next=15 pause=0.03 start=$SECONDS
    shift 4
    mkdir -p "$(dirname -- "$log")"
    : >"$log"
    set -m
    "$@" >>"$log" 2>&1 </dev/null &
    child=$!
    set +m
    while kill -0 "$child" 2>/dev/null; do
        show_progress "$label" "$pattern" "$total" "$log" "$((SECONDS - start))"
        sleep "$pause"
        if ((SECONDS > start)); then pause=0.3; fi
    done
    wait "$child" || status=$?
    child=""
    if [ -t 2 ]; then printf '\r\033[K' >&2; fi
    return "$status"
}

# Reads and moves `next`, the second of the next plain line, in with_progress.
show_progress() {
    local label=$1 pattern=$2 total=$3 log=$4 seconds=$5
    if [ ! -t 2 ] && ((seconds < next)); then return; fi
    next=$((seconds + 15))
    local count=""
    if [ -n "$pattern" ]; then
        count=$(grep -cE -- "$pattern" "$log") || true
        if ((total > 0)); then count=": $((count < total ? count : total)) of $total"; else count=": $count"; fi
    fi
    if [ -t 2 ]; then
        printf '\r\033[K%s%s, %d s' "$label" "$count" "$seconds" >&2
    else
        say "$label$count, $seconds s"
    fi
}

# die_with_log LOG WHAT: the end of the log, its path, and exit 1.
die_with_log() {
    tail -n 15 -- "$1" >&2 || true
    die "$2; the whole log: $1"
}
