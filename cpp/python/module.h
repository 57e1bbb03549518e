// The parts of bridge._native.
#pragma once

#include <pybind11/pybind11.h>

namespace driftwave {

/// The link: its numbers and both of its ends (link_module.cpp, link_engine_module.cpp,
/// link_client_module.cpp).
void register_link(pybind11::module_& m);

/// The plugin core and its parameter table (shim_module.cpp).
void register_shim(pybind11::module_& m);

/// A Generator with a time line and a sound device's callback (deck_module.cpp).
void register_deck(pybind11::module_& m);

}  // namespace driftwave
