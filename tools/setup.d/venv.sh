# shellcheck shell=bash
# .venv from requirements.lock. Its stamp is written last: a .venv without one, or with another, is made again.

stamp_name=.ftorch-setup

# The stamp's lines: the folder (a virtual environment does not survive a move), the interpreter, the lock, the project.
stamp_text() {
    local lock project
    lock=$(sha256_of "$root/requirements.lock")
    project=$(sha256_of "$root/pyproject.toml")
    printf 'root %s\npython %s\nlock %s\nproject %s\n' "$root" "$1" "$lock" "$project"
}

sha256_of() {
    local sum
    sum=$(sha256sum -- "$1" 2>/dev/null || shasum -a 256 -- "$1")
    echo "${sum%% *}"
}

# interpreter_of_stamp VENV: the interpreter it was made with. Fails if it was never finished, the interpreter is
# gone, or another is meant now: a named one, or a build by profile instead of a plain one of ours.
interpreter_of_stamp() {
    local path
    path=$(sed -n 's/^python //p' "$1/$stamp_name" 2>/dev/null) || return 1
    if [ -z "$path" ] || [ ! -x "$path" ]; then return 1; fi
    if [ -n "${FTORCH_PYTHON:-}" ] && [ "$(named_interpreter)" != "$path" ]; then return 1; fi
    if [ "${FTORCH_PGO:-0}" = 1 ] && [[ $path == "$cache/python/"* && $path != *-pgo/* ]]; then return 1; fi
    echo "$path"
}

# venv_is_current VENV WANTED: made whole, from these files, by the interpreter that is meant.
venv_is_current() {
    local path
    path=$(interpreter_of_stamp "$1") || return 1
    [ -x "$1/bin/python" ] && [ "$(cat "$1/$stamp_name")" = "$(stamp_text "$path")" ]
}

# make_venv VENV: with `interpreter`. When only the project changed, only the project is installed again.
make_venv() {
    local venv=$1 was="" text log=$root/.cache/setup/pip.log
    text=$(stamp_text "$interpreter")
    if [ -f "$venv/$stamp_name" ]; then was=$(cat "$venv/$stamp_name"); fi
    rm -f -- "$venv/$stamp_name"
    if [ "${was%$'\n'*}" != "${text%$'\n'*}" ]; then
        say "set-up: making ${venv##*/} with $interpreter"
        with_progress "making ${venv##*/}" "" 0 "$log" "$interpreter" -m venv --clear "$venv" ||
            die_with_log "$log" "$interpreter could not make a virtual environment"
        install_lock "$venv" "$log"
    fi
    pip_install "$venv" "installing ftorch" 0 "$log" --no-deps --no-build-isolation --editable "$root" ||
        die_with_log "$log" "pip could not install ftorch into ${venv##*/}"
    printf '%s\n' "$text" >"$venv/$stamp_name"
    say "set-up: ${venv##*/} is ready ($("$venv/bin/python" -VV))"
}

# What builds comes first, by itself: a package without a wheel for this interpreter is built with the locked
# tools, not with whatever an isolated build would fetch.
install_lock() {
    local venv=$1 log=$2 lock=$root/requirements.lock tools=$root/.cache/setup/build-tools.lock total
    total=$(grep -c '^[A-Za-z]' "$lock") || true
    awk '/^[A-Za-z]/ {keep = /^(flit-core|setuptools)==/} keep' "$lock" >"$tools"
    if pip_install "$venv" "installing build tools" 0 "$log" --require-hashes --no-deps -r "$tools" &&
        pip_install "$venv" "installing packages, fetched" "$total" "$log" \
            --require-hashes --no-deps --no-build-isolation -r "$lock"; then return; fi
    die_with_log "$log" "pip could not install requirements.lock into ${venv##*/}"
}

# A line of pip's for each package of a lock: it is fetched, or there already, or not meant for this machine.
pip_lines='^ *(Downloading|Using cached|Processing|Ignoring|Requirement already) '

# pip_install VENV LABEL TOTAL LOG ARGUMENTS…
pip_install() {
    local venv=$1 label=$2 total=$3 log=$4
    shift 4
    with_progress "$label" "$pip_lines" "$total" "$log" env -u PIP_USER -u PIP_TARGET -u PIP_PREFIX \
        "$venv/bin/python" -I -m pip install --disable-pip-version-check --no-input --progress-bar off "$@"
}
