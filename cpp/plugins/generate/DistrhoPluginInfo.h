// What DPF needs to know about Driftwave Generate at compile time.
//
// Hosts know the plugin by these names and identifiers, and VST3 derives parameter ids from the
// MIDI, latency and programme settings: none of them may ever change.
#ifndef DISTRHO_PLUGIN_INFO_H_INCLUDED
#define DISTRHO_PLUGIN_INFO_H_INCLUDED

#define DISTRHO_PLUGIN_BRAND "Driftwave"
#define DISTRHO_PLUGIN_NAME "Driftwave Generate"
#define DISTRHO_PLUGIN_URI "urn:driftwave:generate"
#define DISTRHO_PLUGIN_CLAP_ID "org.driftwave.generate"
#define DISTRHO_PLUGIN_BRAND_ID Drft
#define DISTRHO_PLUGIN_UNIQUE_ID DwGn

#define DISTRHO_PLUGIN_IS_SYNTH 1
#define DISTRHO_PLUGIN_IS_RT_SAFE 1
#define DISTRHO_PLUGIN_NUM_INPUTS 0
#define DISTRHO_PLUGIN_NUM_OUTPUTS 2
#define DISTRHO_PLUGIN_WANT_MIDI_INPUT 1
#define DISTRHO_PLUGIN_WANT_MIDI_OUTPUT 0
#define DISTRHO_PLUGIN_WANT_LATENCY 0
#define DISTRHO_PLUGIN_WANT_PROGRAMS 0
#define DISTRHO_PLUGIN_WANT_STATE 1
#define DISTRHO_PLUGIN_WANT_FULL_STATE 1
#define DISTRHO_PLUGIN_WANT_TIMEPOS 1
#define DISTRHO_PLUGIN_WANT_DIRECT_ACCESS 1

#define DISTRHO_PLUGIN_HAS_UI 1
#define DISTRHO_UI_USE_NANOVG 1
#define DISTRHO_UI_USER_RESIZABLE 1
#define DISTRHO_UI_DEFAULT_WIDTH 980
#define DISTRHO_UI_DEFAULT_HEIGHT 720
#define DISTRHO_UI_FILE_BROWSER 1

#define DISTRHO_PLUGIN_LV2_CATEGORY "lv2:InstrumentPlugin"
#define DISTRHO_PLUGIN_VST3_CATEGORIES "Instrument|Drum"
#define DISTRHO_PLUGIN_CLAP_FEATURES "instrument", "drum-machine", "sampler", "stereo"

#endif
