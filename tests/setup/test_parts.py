"""What some tests start: installed for them where that can be done, told where it cannot; never an error."""

from tests.setup.conftest import program


def test_another_system_is_told(project):
    """Where there is no apt, set-up says that tests will skip, and goes on."""
    ended = project.setup("parts")
    assert ended.returncode == 0
    assert "tests that start redis-server podman buildah runc" in ended.stdout
    assert not (project.root / ".venv").exists()


def fake_apt(project, tmp_path, status):
    """A system of Debian's family whose dpkg knows one package, and whose apt-get leaves word."""
    (tmp_path / "os-release").write_text("ID=debian\n")
    folder = tmp_path / "fake"
    program(folder / "dpkg-query", f"echo {status}")
    program(folder / "dpkg", "true")
    program(folder / "apt-get", f'echo "$@" >>{tmp_path}/asked; exit ${{APT_ENDS:-0}}')
    return f"{folder}:{project.env['PATH']}"


def test_what_is_installed_is_left_alone(project, tmp_path):
    """A package that is there is not asked for, and nothing is said."""
    ended = project.setup("parts", PATH=fake_apt(project, tmp_path, "installed"))
    assert (ended.returncode, ended.stdout) == (0, "")
    assert not (tmp_path / "asked").exists()


def test_what_is_missing_is_installed_by_root(project, tmp_path):
    """Root installs it; anyone else is told the command; the set-up for users asks for none of it."""
    path = fake_apt(project, tmp_path, "unknown")
    program(tmp_path / "fake/id", "echo 1000")
    ended = project.setup("parts", PATH=path)
    assert ended.returncode == 0
    assert "sudo apt-get install -y --no-install-recommends redis-server podman" in ended.stdout
    assert not (tmp_path / "asked").exists()
    program(tmp_path / "fake/id", "echo 0")
    assert project.setup("parts", PATH=path).returncode == 0
    assert "install -y --no-install-recommends" in (tmp_path / "asked").read_text()
    assert "redis-server" in (tmp_path / "asked").read_text()


def test_an_install_that_fails_is_told(project, tmp_path):
    """Then the tests skip; make test goes on."""
    path = fake_apt(project, tmp_path, "unknown")
    program(tmp_path / "fake/id", "echo 0")
    ended = project.setup("parts", PATH=path, APT_ENDS="100")
    assert ended.returncode == 0
    assert "could not install redis-server podman" in ended.stdout
