// bridge._native: the C++ side of Driftwave for Python.
#include "python/module.h"

PYBIND11_MODULE(_native, m) {
  m.doc() = "The link's shared memory and the plugin core, from the same headers as the plugin.";
  driftwave::register_link(m);
#ifdef DRIFTWAVE_WITH_SHIM
  driftwave::register_shim(m);
  driftwave::register_deck(m);
#endif
}
