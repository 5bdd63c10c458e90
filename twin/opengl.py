"""Whether 3D works here, tried in a child process: VTK can end the process that lacks OpenGL."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from functools import lru_cache

from layers.errors import MissingExtra

VARIABLE = "VTK_DEFAULT_OPENGL_WINDOW"
_TRIAL = """
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
import vtkmodules.vtkRenderingOpenGL2
window, scene = vtkRenderWindow(), vtkRenderer()
window.SetOffScreenRendering(1)
window.SetSize(64, 64)
scene.SetBackground(1, 0, 0)
window.AddRenderer(scene)
window.Render()
pixels = vtkUnsignedCharArray()
window.GetPixelData(32, 32, 33, 33, 1, pixels, 0)
lines = [line.split(":", 1)[1].strip() for line in window.ReportCapabilities().splitlines()
         if "renderer string" in line]
print("drawn", pixels.GetTuple(0) == (255.0, 0.0, 0.0), window.GetClassName(), *lines[:1])
"""


def probe() -> str:
    """Return what VTK draws with on this machine, trying it in a child process.

    The first answer is kept for the life of the process, and the way that works is set in the
    environment for VTK to find.

    Raises
    ------
    MissingExtra
        When PyVista is not installed or no OpenGL works.
    """
    if importlib.util.find_spec("pyvista") is None:
        raise MissingExtra("3D pictures need PyVista, which is not installed",
                           mend="pip install 'citytwin[3d]'")
    window, told = _working_window()
    if window:
        os.environ[VARIABLE] = window
    return told


@lru_cache(maxsize=1)
def _working_window() -> tuple[str, str]:
    chosen = os.environ.get(VARIABLE, "")
    headless = sys.platform.startswith("linux") and not os.environ.get("DISPLAY")
    others = ["vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow"]
    ways = [chosen] if chosen else others if headless else ["", *others]
    if not sys.platform.startswith("linux"):
        ways = [chosen]
    for way in ways:
        environment = {**os.environ, VARIABLE: way}
        if not way:
            environment.pop(VARIABLE)
        try:
            child = subprocess.run([sys.executable, "-c", _TRIAL], env=environment, timeout=60,
                                   capture_output=True, text=True, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        said = [line for line in child.stdout.splitlines() if line.startswith("drawn True")]
        if child.returncode == 0 and said:
            _, _, name, *rest = said[0].split(maxsplit=3)
            return way, f"{name}: {rest[0]}" if rest else name
    raise MissingExtra(
        "3D pictures need OpenGL, and no way to draw without a screen works here (tried "
        f"{', '.join(w or 'the default' for w in ways)} in a child process)",
        mend="On Debian or Ubuntu: apt-get install libegl1 libgl1-mesa-dri libxrender1")
