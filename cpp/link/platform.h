// The one place that chooses the operating system's file. Linux is the only one tested so far.
#pragma once

#if defined(__linux__)
#include "link/platform_linux.h"
#else
#error \
    "cpp/link has no platform file for this system: write platform_<system>.h with the functions of platform_linux.h"
#endif
