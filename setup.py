"""Packages Driftwave and builds `bridge._native`, the C++ side of the bridge."""

from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension, build_ext
from setuptools import find_packages, setup

ROOT = Path(__file__).parent
sources = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("cpp/python/*.cpp"))
with_shim = "cpp/python/shim_module.cpp" in sources
if with_shim:
    sources += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("cpp/shim/*.cpp"))

ParallelCompile("DRIFTWAVE_BUILD_JOBS", default=2, max=2).install()

native = Pybind11Extension(
    "bridge._native",
    sources,
    depends=[str(path.relative_to(ROOT)) for path in ROOT.glob("cpp/*/*.h")],
    include_dirs=["cpp"],
    define_macros=[("DRIFTWAVE_WITH_SHIM", "1")] if with_shim else [],
    extra_compile_args=["-O2", "-g0", "-Wall", "-Wextra", "-fvisibility=hidden"],
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
        "engine": ["voices/*/*", "recipes/*.toml"],
        "bridge": ["py.typed", "_native.pyi", "page/*", "page/**/*"],
    },
    install_requires=[
        "click",
        "numpy",
        "onnxruntime",
        "platformdirs",
        "python-osc",
        "rich",
        "safetensors",
        "sounddevice",
        "soundfile",
        "soxr",
    ],
    extras_require={
        "train": ["matplotlib", "onnx", "onnxscript", "scipy", "torch>=2.6"],
        "gpu": ["torch>=2.6"],
        "midi": ["mido", "python-rtmidi"],
        "test": [
            "JACK-Client",
            "dawdreamer",
            "hypothesis",
            "mido",
            "mypy",
            "onnx",
            "pedalboard",
            "pybind11>=2.12",
            "pytest",
            "pytest-timeout",
            "ruff",
        ],
    },
    entry_points={"console_scripts": ["driftwave=engine.cli:main"]},
    ext_modules=[native],
    cmdclass={"build_ext": build_ext},
    zip_safe=False,
)
