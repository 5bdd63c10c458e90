"""Rules of the house that can be run; the direction of imports is import-linter's."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import layers
import scenarios
import twin
from layers.registry import LAYERS, TIDY
from scenarios.edits import EDITS
from scenarios.scenario import Edit

ROOT = Path(__file__).parent.parent
PACKAGES = ("layers", "twin", "scenarios")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_has_the_name_of_a_public_function(package: str) -> None:
    stub = ast.parse((ROOT / package / "__init__.pyi").read_text(encoding="utf-8"))
    public = {a.asname or a.name for node in stub.body if isinstance(node, ast.ImportFrom)
              for a in node.names}
    modules = {p.stem for p in (ROOT / package).glob("*.py")} | {
        p.name for p in (ROOT / package).iterdir() if (p / "__init__.py").is_file()}
    assert not public & modules


@pytest.mark.parametrize("package", [layers, twin, scenarios])
def test_every_public_name_can_be_had(package: object) -> None:
    for name in package.__all__:  # type: ignore[attr-defined]
        assert getattr(package, name) is not None


def test_every_layer_has_a_tidy_and_units() -> None:
    assert set(TIDY) == set(LAYERS)
    for spec in LAYERS.values():
        assert spec.about
        for column in spec.columns:
            assert column.about, (spec.name, column.name)
            if column.kind in ("float", "int"):
                assert column.units, (spec.name, column.name)
            else:
                assert not column.units


def test_every_edit_is_a_frozen_described_decision() -> None:
    for name, kind in EDITS.items():
        assert is_dataclass(kind)
        assert kind.__dataclass_params__.frozen, name
        assert issubclass(kind, Edit)
        for field in fields(kind):
            assert field.name in (kind.__doc__ or ""), f"{name}.{field.name} is not described"


def test_no_folder_of_tests_hides_a_package() -> None:
    assert not {p.name for p in (ROOT / "tests").rglob("*") if p.is_dir()} & set(PACKAGES)


@pytest.mark.parametrize(("folder", "made"), [
    ("layers", "layers/__init__.py"), ("layers.py", "layers.py"), ("twin", "twin/__init__.py"),
])
def test_a_foreign_package_of_our_name_is_named(folder: str, made: str, tmp_path: Path) -> None:
    (tmp_path / made).parent.mkdir(exist_ok=True)
    (tmp_path / made).write_text("", encoding="utf-8")
    code = "import scenarios" if folder == "twin" else "import twin"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True,
                          text=True, check=False)
    assert done.returncode != 0
    assert f"another '{folder.removesuffix('.py')}' got in the way" in done.stderr
    assert str(tmp_path) in done.stderr


def test_data_folders_of_our_names_do_no_harm(tmp_path: Path) -> None:
    for name in PACKAGES:
        (tmp_path / name).mkdir()
    done = subprocess.run([sys.executable, "-c", "import scenarios, twin; print(twin.Grid)"],
                          cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
