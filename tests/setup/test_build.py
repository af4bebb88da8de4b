"""The build from the distribution's source: where that comes from, and what is left when it is stopped."""

import os
import select
import signal
import subprocess
from pathlib import Path

import pytest

from tests.setup.conftest import ROOT, program, write_apt_config

SOURCES = """
deb http://first.invalid/debian stable main
deb http://first.invalid/debian stable-updates main contrib
deb http://security.invalid/debian-security stable-security main
deb [arch=amd64] https://second.invalid/ubuntu/ noble main
deb mirror+file:{mirrors} stable main
deb cdrom:[A disc]/ stable main
# deb http://commented.invalid/debian stable main
"""


def test_base_addresses_are_those_apt_knows(tmp_path):
    """Each archive of the apt configuration comes once, mirrors by their list, security last, without any index."""
    mirrors = tmp_path / "mirrors"
    mirrors.write_text("http://mirror-a.invalid/debian\tpriority:1\n# no\nhttp://mirror-b.invalid/debian/\n")
    config = write_apt_config(tmp_path / "apt", SOURCES.format(mirrors=mirrors))
    script = f"source {ROOT}/tools/setup.d/say.sh; source {ROOT}/tools/setup.d/apt.sh; apt_bases"
    bases = subprocess.check_output(["bash", "-euc", script], env=os.environ | {"APT_CONFIG": str(config)}, text=True)
    assert bases.split() == [
        "http://first.invalid/debian/",
        "https://second.invalid/ubuntu/",
        "http://mirror-a.invalid/debian/",
        "http://mirror-b.invalid/debian/",
        "http://security.invalid/debian-security/",
    ]


def built_at(project, name="3.14.99t"):
    """The path a build of the pool's Python is installed at."""
    return f"{project.env['HOME']}/.cache/ftorch/python/{name}/bin/python3.14t"


def test_build_is_made_once(project, pool):
    """A machine with apt and no Python builds one without the GIL, at its own -O3; the next call takes that."""
    ended = project.setup(**pool.env, CFLAGS="-O0")
    assert f"making .venv with {built_at(project)}" in ended.stdout
    prefix = built_at(project).removesuffix("/bin/python3.14t")
    words = f"--disable-gil --prefix={prefix} --with-ensurepip=no --disable-test-modules CFLAGS=\n"
    assert (pool.left / "configured").read_text() == words
    assert Path(prefix, "SOURCE").read_text() == pool.env["FTORCH_SOURCE"] + "\n"

    (pool.left / "compiled").unlink()
    again = project.setup(**pool.env)
    assert f"making .venv with {built_at(project)}" in again.stdout
    assert not (pool.left / "compiled").exists()


def test_build_keeps_the_tests_of_executors(project, pool):
    """Of CPython's own tests a build keeps those that ours has to pass, and no others: all of them are 30 MB."""
    project.setup(**pool.env)
    prefix = built_at(project).removesuffix("/bin/python3.14t")
    kept = {path.name for path in Path(f"{prefix}/lib/python3.14t/test").iterdir()}
    assert kept == {"__init__.py", "support", "test_concurrent_futures"}


def test_profile_guided_build_has_its_own_place(project, pool):
    """FTORCH_PGO=1 asks for optimisation by profile, and does not take a plain build for it."""
    project.setup(**pool.env)
    project.stamp.parent.mkdir()
    project.stamp.write_text(f"python {built_at(project)}\n")
    ended = project.setup(**pool.env, FTORCH_PGO="1")
    assert f"making .venv with {built_at(project, '3.14.99t-pgo')}" in ended.stdout
    assert "--enable-optimizations --with-lto" in (pool.left / "configured").read_text()


def start(project, pool):
    """Starts set-up on a terminal of its own; returns the process and the terminal's other end."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", project.root / "tools/setup"],
        env=project.env | pool.env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    return process, ours


def wait_in_gate(pool, reached):
    """Returns when the build stands at its gate."""
    ready, _, _ = select.select([reached], [], [], 60)
    assert ready, "the build did not get as far as its second file"
    assert os.read(reached, 100) == b"reached\n"


def test_build_that_was_stopped_goes_on(project, pool):
    """Stopped while compiling, by SIGTERM, Ctrl-C and kill -9, it ends whole, with each file compiled once."""
    os.mkfifo(pool.left / "gate")
    os.mkfifo(pool.left / "reached")
    reached = os.open(pool.left / "reached", os.O_RDWR)

    process, terminal = start(project, pool)
    wait_in_gate(pool, reached)
    process.terminate()
    assert process.wait() == 143
    os.close(terminal)

    process, terminal = start(project, pool)
    wait_in_gate(pool, reached)
    os.write(terminal, b"\x03")
    assert process.wait() == 130
    os.close(terminal)
    assert not os.path.exists(built_at(project))

    process, terminal = start(project, pool)
    wait_in_gate(pool, reached)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    (pool.left / "gate").write_text("go\n")
    (pool.left / "gate").unlink()

    ended = project.setup(**pool.env)
    os.close(terminal)
    os.close(reached)
    assert f"making .venv with {built_at(project)}" in ended.stdout
    assert (pool.left / "compiled").read_text() == "one\ntwo\n"
    assert len((pool.left / "configured").read_text().splitlines()) == 1


def test_remains_that_are_of_no_use(project, pool):
    """When what an earlier call left cannot be finished, it is thrown away and the build begins anew, once."""
    project.setup(**pool.env | {"LEAVE": "/nowhere"})
    tree = f"{project.env['HOME']}/.cache/ftorch/build/3.14.99t"
    with open(f"{tree}/Makefile", "w") as makefile:
        makefile.write("all:\n\tfalse\n")
    ended = project.setup(**pool.env)
    assert "building afresh" in ended.stdout
    assert f"making .venv with {built_at(project)}" in ended.stdout


def test_build_that_fails_names_its_log(project, pool):
    """A build that fails shows the end of its log and says where the log is; no interpreter is left behind."""
    ended = project.setup(**pool.env | {"LEAVE": "/nowhere"})
    assert ended.returncode == 1
    log = f"{project.env['HOME']}/.cache/ftorch/logs/install.log"
    assert f"building CPython 3.14.99 failed; the whole log: {log}" in ended.stdout
    assert "/nowhere" in ended.stdout
    assert not os.path.exists(built_at(project))


@pytest.mark.parametrize("source", ["pool/absent.tar.xz {0}", "pool/python.tar.xz {0}"])
def test_source_that_is_missing_or_altered(project, pool, source):
    """A source that no archive has, or whose sum differs, is not built; the ways to get a Python follow."""
    ended = project.setup(**pool.env | {"FTORCH_SOURCE": "3.14.99 " + source.format("0" * 64)})
    assert ended.returncode == 1
    assert f"copy:{pool.folder}/ does not give" in ended.stdout
    assert "no archive in the apt configuration gives pool/" in ended.stdout
    assert "Ways to get one" in ended.stdout
    assert not (pool.left / "configured").exists()


def with_programs(project, tmp_path, **programs):
    """The PATH on which these shell scripts hide the system's programs."""
    for name, text in programs.items():
        program(tmp_path / "fakes" / name.replace("_", "-"), text)
    return f"{tmp_path}/fakes:{project.env['PATH']}"


def test_missing_packages_for_a_user(project, pool, tmp_path):
    """Someone who is not root gets the one command that installs what is missing, and only that."""
    path = with_programs(project, tmp_path, id="echo 1000")
    ended = project.setup(**pool.env | {"FTORCH_BUILD_PACKAGES": "dpkg no-such-a no-such-b"}, PATH=path)
    assert ended.returncode == 1
    assert "\n  sudo apt-get install -y --no-install-recommends no-such-a no-such-b\n" in ended.stdout


def test_missing_packages_for_root(project, pool, tmp_path):
    """Root's packages are installed, after an update of the lists where the machine has none."""
    calls = tmp_path / "calls"
    apt_get = f"""
[ "$1" = indextargets ] && exec /usr/bin/apt-get "$@"
echo "$1" >>{calls}
[ "$1" = update ] || grep -q update {calls}"""
    path = with_programs(project, tmp_path, id="echo 0", dpkg="exit 0", apt_get=apt_get)
    ended = project.setup(**pool.env | {"FTORCH_BUILD_PACKAGES": "no-such-a"}, PATH=path)
    assert calls.read_text() == "install\nupdate\ninstall\n"
    assert f"making .venv with {built_at(project)}" in ended.stdout
