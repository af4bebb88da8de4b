"""Every dependency leaves the GIL off and imports without a warning, each in a process of its own."""

import subprocess
import sys
import sysconfig
from importlib.metadata import distribution, requires

import pytest
from packaging.requirements import Requirement

GIL_BUILD = not sysconfig.get_config_var("Py_GIL_DISABLED")

CHECK = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
assert not sys._is_gil_enabled(), "the GIL is on"
"""

PARTS = {
    "numpy": ["numpy.random", "numpy.fft", "numpy.linalg"],
    "obstore": ["obstore.store"],
    "pillow": [
        "PIL.Image",
        "PIL.ImageOps",
        "PIL.ImageCms",
        "PIL.ImageFont",
        "PIL.JpegImagePlugin",
        "PIL.WebPImagePlugin",
    ],
    "plotly": ["plotly.graph_objects"],
    "pyarrow": ["pyarrow.compute", "pyarrow.csv", "pyarrow.dataset", "pyarrow.json", "pyarrow.parquet"],
}


def dependencies() -> list[str]:
    """What ftorch's own metadata requires at run time, every extra but the developers'."""
    wanted = map(Requirement, requires("ftorch") or [])
    return sorted({want.name for want in wanted if "dev" not in str(want.marker)})


def modules(name: str) -> list[str]:
    """The top-level modules that a distribution brings, and those of their parts that load more extensions."""
    tops = {file.parts[0] for file in distribution(name).files or [] if file.parts[1:] == ("__init__.py",)}
    tops -= {"_yaml"}  # an alias of yaml._yaml that warns
    tops |= {str(file)[:-3] for file in distribution(name).files or [] if file.match("*.py") and len(file.parts) == 1}
    return sorted(tops) + PARTS.get(name, [])


def test_metadata_names_dependencies():
    """The list the next test runs over is the project's own, and not empty."""
    assert {"click", "msgspec", "PyYAML"} <= set(dependencies())


@pytest.mark.skipif(GIL_BUILD, reason="this interpreter is a build with the GIL")
@pytest.mark.parametrize("name", dependencies())
def test_dependency_leaves_the_gil_off(name):
    """Importing it, warnings being errors, leaves the GIL off."""
    names = modules(name)
    assert names
    ended = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", CHECK, *names], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
