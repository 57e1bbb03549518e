// The instrument Driftwave Generate as a DPF plugin: a thin coat around shim::Generator.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "DistrhoPlugin.hpp"
#include "shim/generator.h"

namespace driftwave {

/// Translates between DPF and shim::Generator; holds no sound processing of its own.
///
/// DPF's names are camelCase because they override DPF's virtual functions.
class GeneratePlugin : public DISTRHO_NAMESPACE::Plugin {
 public:
  GeneratePlugin();  // [ui]

  /// [ui] The instrument itself, for the editor, which lives in the same process.
  shim::Generator& generator() { return generator_; }

 protected:
  const char* getLabel() const override { return "driftwave_generate"; }
  const char* getDescription() const override {
    return "Drum sounds generated from words on your own machine, played from sixteen pads.";
  }
  const char* getMaker() const override { return "Driftwave"; }
  const char* getLicense() const override { return "https://spdx.org/licenses/MIT.html"; }
  std::uint32_t getVersion() const override { return d_version(0, 1, 0); }
  std::int64_t getUniqueId() const override { return d_cconst('D', 'w', 'G', 'n'); }

  void initAudioPort(bool input, std::uint32_t index, AudioPort& port) override;  // [ui]
  void initParameter(std::uint32_t index, Parameter& parameter) override;         // [ui]
  void initPortGroup(std::uint32_t group, PortGroup& port_group) override;        // [ui]
  void initState(std::uint32_t index, State& state) override;                     // [ui]
  float getParameterValue(std::uint32_t index) const override;                    // [any]
  void setParameterValue(std::uint32_t index, float value) override;              // [any]
  String getState(const char* key) const override;                                // [ui]
  void setState(const char* key, const char* value) override;                     // [ui]
  void activate() override;                                                       // [ui]
  void run(const float** inputs, float** outputs, std::uint32_t frames, const MidiEvent* events,
           std::uint32_t event_count) override;  // [audio]

 private:
  static constexpr std::size_t kMaxEvents = 512;  ///< as many as DPF passes in one block

  shim::Generator generator_;
  std::array<shim::MidiEvent, kMaxEvents> events_{};
  std::string refusal_;  ///< why the last state was refused; empty when it was taken
};

}  // namespace driftwave
