# shellcheck shell=bash
# What to tell someone whose system set-up cannot get an interpreter for.

# die_with_ways REASON: why nothing was found, the ways to get one, and exit 1.
die_with_ways() {
    say "set-up: $1"
    cat >&2 <<'WAYS'

ftorch needs a free-threaded CPython, 3.14 or newer. Ways to get one:
  uv                uv python install 3.14t
  conda, mamba      conda create -n ftorch -c conda-forge python-freethreading
  Fedora            sudo dnf install python3.14-freethreading
  macOS             brew install python-freethreading, or the official installer with "free-threaded" ticked
  from source       ./configure --disable-gil && make && make altinstall
then say where it is:
  FTORCH_PYTHON=/path/to/python3.14t make setup
WAYS
    exit 1
}
