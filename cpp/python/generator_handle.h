// A Generator that can be closed before Python's garbage collector comes by.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "shim/generator.h"

namespace driftwave {

class GeneratorHandle {
 public:
  explicit GeneratorHandle(const shim::GeneratorOptions& options)
      : generator_(std::make_unique<shim::Generator>(options)) {}
  shim::Generator& get() const {
    if (generator_ == nullptr) throw pybind11::value_error("this Generator is closed");
    return *generator_;
  }
  void close() { generator_.reset(); }

 private:
  std::unique_ptr<shim::Generator> generator_;
};

}  // namespace driftwave
