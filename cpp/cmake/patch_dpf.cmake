# Corrects known faults of DISTRHO Plugin Framework in a private copy inside the build folder.
#
# Written against Debian's dpf-source 1.6 (December 2022). Each correction names one fault and
# replaces one piece of text; where the text is not found (a newer DPF has it corrected or
# written otherwise) the correction is skipped and the configure step says so.

function(driftwave_patch name file from to)
  if(NOT EXISTS "${file}")
    message(STATUS "DPF correction skipped (no such file): ${name}")
    return()
  endif()
  file(READ "${file}" text)
  string(FIND "${text}" "${from}" position)
  if(position EQUAL -1)
    message(STATUS "DPF correction not needed: ${name}")
    return()
  endif()
  string(REPLACE "${from}" "${to}" text "${text}")
  file(WRITE "${file}" "${text}")
endfunction()

# Applies every correction to the copy of DPF in `dpf_dir`.
function(driftwave_patch_dpf dpf_dir)
  set(vst "${dpf_dir}/distrho/src/DistrhoPluginVST.hpp")
  set(vst3 "${dpf_dir}/distrho/src/DistrhoPluginVST3.cpp")
  set(clap "${dpf_dir}/distrho/src/DistrhoPluginCLAP.cpp")
  set(jack "${dpf_dir}/distrho/src/DistrhoPluginJACK.cpp")
  set(lv2 "${dpf_dir}/distrho/src/DistrhoPluginLV2.cpp")

  # --- VST3 ----------------------------------------------------------------------------------
  # 16 channels x 130 hidden "MIDI CC" parameters make hosts that list parameters very slow, and
  # the count was one too many, which hid parameter 0. The count becomes a setting; `end` is one
  # past the last.
  driftwave_patch("VST3: number of MIDI CC parameters" "${vst}"
    "kVst3InternalParameterMidiCC_end = kVst3InternalParameterMidiCC_start + 130*16,
    kVst3InternalParameterCount = kVst3InternalParameterMidiCC_end"
    "kVst3InternalParameterMidiCC_end = kVst3InternalParameterMidiCC_start + DRIFTWAVE_VST3_MIDI_CC,
    kVst3InternalParameterCount = kVst3InternalParameterMidiCC_end")
  driftwave_patch("VST3: number of MIDI CC parameters (count by order)" "${vst}"
    "kVst3InternalParameterMidiCC_end = kVst3InternalParameterMidiCC_start + 130*16,
    kVst3InternalParameterCount
"
    "kVst3InternalParameterMidiCC_end = kVst3InternalParameterMidiCC_start + DRIFTWAVE_VST3_MIDI_CC,
    kVst3InternalParameterCount = kVst3InternalParameterMidiCC_end
")
  driftwave_patch("VST3: end of the MIDI CC parameters" "${vst3}"
    "rindex <= kVst3InternalParameterMidiCC_end"
    "rindex < kVst3InternalParameterMidiCC_end")
  driftwave_patch("VST3: no controller assignment without MIDI CC parameters" "${vst3}"
    "        *id = kVst3InternalParameterMidiCC_start + channel * 130 + cc;"
    "        if (channel * 130 + cc >= DRIFTWAVE_VST3_MIDI_CC) return V3_FALSE;
        *id = kVst3InternalParameterMidiCC_start + channel * 130 + cc;")
  # A trigger was set to its own value again instead of falling back to its default.
  driftwave_patch("VST3: triggers fall back" "${vst3}"
    "                if (d_isEqual(curValue, fPlugin.getParameterDefault(i)))
                    continue;

                fPlugin.setParameterValue(i, curValue);"
    "                const float resting = fPlugin.getParameterDefault(i);
                if (d_isEqual(curValue, resting) &&
                    d_isEqual(fCachedParameterValues[kVst3InternalParameterBaseCount + i], resting))
                    continue;

                curValue = resting;
                fPlugin.setParameterValue(i, curValue);")
  # Triggers pushed by the host never reached the plugin.
  driftwave_patch("VST3: triggers reach the plugin" "${vst3}"
    "        if (!fPlugin.isParameterOutputOrTrigger(index))
            fPlugin.setParameterValue(index, value);
    }"
    "        if (!fPlugin.isParameterOutput(index))
            fPlugin.setParameterValue(index, value);
    }")
  driftwave_patch("VST3: activation of what is active" "${vst3}"
    "        if (active)
            fPlugin.activate();
        else
            fPlugin.deactivateIfNeeded();"
    "        if (!active)
            fPlugin.deactivateIfNeeded();
        else if (!fPlugin.isActive())
            fPlugin.activate();")
  # Without a separate controller a value set by the host was dropped until the next process call.
  driftwave_patch("VST3: values set while not processing" "${vst3}"
    "       #if DPF_VST3_USES_SEPARATE_CONTROLLER
        const uint32_t index = static_cast<uint32_t>(rindex - kVst3InternalParameterCount);
        DISTRHO_SAFE_ASSERT_UINT2_RETURN(index < fParameterCount, index, fParameterCount, V3_INVALID_ARG);

        if (fIsComponent) {
            DISTRHO_SAFE_ASSERT_RETURN(!fPlugin.isParameterOutputOrTrigger(index), V3_INVALID_ARG);
        }

        _setNormalizedPluginParameterValue(index, normalized);
       #endif"
    "        const uint32_t index = static_cast<uint32_t>(rindex - kVst3InternalParameterCount);
        DISTRHO_SAFE_ASSERT_UINT2_RETURN(index < fParameterCount, index, fParameterCount, V3_INVALID_ARG);

       #if DPF_VST3_USES_SEPARATE_CONTROLLER
        if (fIsComponent) {
            DISTRHO_SAFE_ASSERT_RETURN(!fPlugin.isParameterOutputOrTrigger(index), V3_INVALID_ARG);
        }
       #else
        if (fPlugin.isParameterOutputOrTrigger(index))
            return V3_OK;
       #endif

        _setNormalizedPluginParameterValue(index, normalized);")
  driftwave_patch("VST3: partial reads of the state" "${vst3}"
    "            DISTRHO_SAFE_ASSERT_INT_RETURN(read > 0, read, V3_INTERNAL_ERR);
"
    "            if (read <= 0) return V3_INTERNAL_ERR;
            buffer[read] = '\\xff';
")
  driftwave_patch("VST3: partial writes of the state" "${vst3}"
    "write(stream, const_cast<char*>(buffer), size - wrtntotal, &wrtn)"
    "write(stream, const_cast<char*>(buffer) + wrtntotal, size - wrtntotal, &wrtn)")
  # A plugin that refuses a state keeps what it has, its parameters too, and the host is told.
  driftwave_patch("VST3: refused state" "${vst3}"
    "                            fStateMap[key] = value;
                            fPlugin.setState(key, value);
"
    "                            fPlugin.setState(key, value);
                            if (fPlugin.getStateValue(\"refused\").isNotEmpty()) return V3_INTERNAL_ERR;
                            fStateMap[key] = value;
")

  driftwave_patch("VST3: state without its parts" "${vst3}"
    "        if (fComponentHandler != nullptr)
            v3_cpp_obj(fComponentHandler)->restart_component(fComponentHandler, V3_RESTART_PARAM_VALUES_CHANGED);

       #if DISTRHO_PLUGIN_HAS_UI
        if (connectedToUI)"
    "        if (queryingType != 'x') return V3_INTERNAL_ERR;

        if (fComponentHandler != nullptr)
            v3_cpp_obj(fComponentHandler)->restart_component(fComponentHandler, V3_RESTART_PARAM_VALUES_CHANGED);

       #if DISTRHO_PLUGIN_HAS_UI
        if (connectedToUI)")

  # Bars of 7/8 counted as three quarter notes, and the tempo said in quarter notes while beats may be
  # eighths: beats a minute of the same beats everywhere.
  driftwave_patch("VST3: odd bars" "${vst3}"
    "const int    ppqPerBar = ctx->time_sig_numerator * 4 / ctx->time_sig_denom;"
    "const double ppqPerBar = ctx->time_sig_numerator * 4.0 / ctx->time_sig_denom;")
  driftwave_patch("VST3: odd bars (number of the bar)" "${vst3}"
    "static_cast<int32_t>(ppqPos) / ppqPerBar + 1;"
    "static_cast<int32_t>(ppqPos / ppqPerBar) + 1;")
  driftwave_patch("VST3: tempo in beats" "${vst3}"
    "fTimePosition.bbt.beatType    = ctx->time_sig_denom;
"
    "fTimePosition.bbt.beatType    = ctx->time_sig_denom;
                fTimePosition.bbt.beatsPerMinute *= ctx->time_sig_denom / 4.0;
")
  driftwave_patch("VST3: frame of the song" "${vst3}"
    "            else if (ctx->state & V3_PROCESS_CTX_CONT_TIME_VALID)
                fTimePosition.frame = ctx->continuous_time_in_samples;"
    "            else
                fTimePosition.frame = ctx->project_time_in_samples;")

  # --- CLAP ----------------------------------------------------------------------------------
  # The steady time goes on while the song stands still; CLAP counts quarter notes, not beats.
  driftwave_patch("CLAP: frame of the song" "${clap}"
    "fTimePosition.frame = process->steady_time >= 0 ? process->steady_time : 0;"
    "fTimePosition.frame = (transport->flags & CLAP_TRANSPORT_HAS_SECONDS_TIMELINE) != 0 &&
                                  transport->song_pos_seconds >= 0
                                ? static_cast<uint64_t>(static_cast<double>(transport->song_pos_seconds) /
                                                        CLAP_SECTIME_FACTOR * fPlugin.getSampleRate() + 0.5)
                                : ~static_cast<uint64_t>(0);")
  driftwave_patch("CLAP: beats of the time signature" "${clap}"
    "const int64_t clapPos   = std::abs(transport->song_pos_beats);"
    "const int64_t clapPos   = transport->song_pos_beats * transport->tsig_denom / 4;")
  driftwave_patch("CLAP: tempo in beats" "${clap}"
    "fTimePosition.bbt.beatType    = transport->tsig_denom;
"
    "fTimePosition.bbt.beatType    = transport->tsig_denom;
                fTimePosition.bbt.beatsPerMinute *= transport->tsig_denom / 4.0;
")
  driftwave_patch("CLAP: host without clap.latency" "${clap}"
    "fHostExtensions.latency->changed(fHost);"
    "if (fHostExtensions.latency != nullptr) fHostExtensions.latency->changed(fHost);")
  driftwave_patch("CLAP: empty and cut-off state" "${clap}"
    "            if (read == 0)
                return true;
"
    "            if (read == 0)
                return false;
            buffer[read] = '\\xff';
")
  driftwave_patch("CLAP: partial writes of the state" "${clap}"
    "stream->write(stream, buffer, size - wrtntotal)"
    "stream->write(stream, buffer + wrtntotal, size - wrtntotal)")
  driftwave_patch("CLAP: refused state" "${clap}"
    "                            fStateMap[key] = value;
                            fPlugin.setState(key, value);
"
    "                            fPlugin.setState(key, value);
                            if (fPlugin.getStateValue(\"refused\").isNotEmpty()) return false;
                            fStateMap[key] = value;
")
  driftwave_patch("CLAP: state without its parts" "${clap}"
    "        if (fHostExtensions.params != nullptr)
            fHostExtensions.params->rescan"
    "        if (queryingType != 'x') return false;

        if (fHostExtensions.params != nullptr)
            fHostExtensions.params->rescan")
  driftwave_patch("CLAP: queue freed as it was allocated" "${clap}"
    "            delete[] events;"
    "            std::free(events);")
  driftwave_patch("CLAP: parameter index of an event" "${clap}"
    "        fCachedParameters.values[event->param_id] = event->value;"
    "        if (event->param_id >= fCachedParameters.numParams) return;
        if (fPlugin.isParameterOutput(event->param_id)) return;
        fCachedParameters.values[event->param_id] = event->value;")
  driftwave_patch("CLAP: parameter index of a question" "${clap}"
    "        const ParameterRanges& ranges(fPlugin.getParameterRanges(index));

        if (fPlugin.getParameterDesignation(index) == kParameterDesignationBypass)"
    "        if (index >= fPlugin.getParameterCount()) return false;
        const ParameterRanges& ranges(fPlugin.getParameterRanges(index));

        if (fPlugin.getParameterDesignation(index) == kParameterDesignationBypass)")
  driftwave_patch("CLAP: parameter index of a value" "${clap}"
    "        *value = fPlugin.getParameterValue(param_id);"
    "        if (param_id >= fPlugin.getParameterCount()) return false;
        *value = fPlugin.getParameterValue(param_id);")
  driftwave_patch("CLAP: parameter index of a text" "${clap}"
    "        const ParameterEnumerationValues& enumValues(fPlugin.getParameterEnumValues(param_id));"
    "        if (param_id >= fPlugin.getParameterCount()) return false;
        const ParameterEnumerationValues& enumValues(fPlugin.getParameterEnumValues(param_id));")
  driftwave_patch("CLAP: events that are not MIDI" "${clap}"
    "                    case CLAP_EVENT_TRANSPORT:
                    case CLAP_EVENT_MIDI:"
    "                    case CLAP_EVENT_TRANSPORT:
                        break;
                    case CLAP_EVENT_MIDI:")
  # A trigger was reported to the host but never fell back.
  driftwave_patch("CLAP: triggers fall back" "${clap}"
    "                    if (d_isEqual(fCachedParameters.values[i], value))
                        continue;
"
    "                    if (fPlugin.isParameterTrigger(i))
                    {
                        value = fPlugin.getParameterDefault(i);
                        if (in == nullptr) fPlugin.setParameterValue(i, value);
                    }

                    if (d_isEqual(fCachedParameters.values[i], value))
                        continue;
")
  # An edit made while the host does not process reached it only when it processed again.
  driftwave_patch("CLAP: edits while not processing" "${clap}"
    "            rindex, value
        };
        fEventQueue.addEventFromUI(ev);"
    "            rindex, value
        };
        fEventQueue.addEventFromUI(ev);
        const clap_host_params_t* const params = static_cast<const clap_host_params_t*>(
            fHost->get_extension(fHost, CLAP_EXT_PARAMS));
        if (params != nullptr && params->request_flush != nullptr)
            params->request_flush(fHost);")

  # --- JACK standalone -----------------------------------------------------------------------
  # Triggers fell back before the plugin had seen them.
  driftwave_patch("JACK: triggers fall back after the block" "${jack}"
    "        updateParameterTriggers();

#if DISTRHO_PLUGIN_WANT_MIDI_OUTPUT
        fPortMidiOutBuffer = jackbridge"
    "#if DISTRHO_PLUGIN_WANT_MIDI_OUTPUT
        fPortMidiOutBuffer = jackbridge")
  driftwave_patch("JACK: triggers fall back after the block (2)" "${jack}"
    "        fPlugin.run(audioIns, audioOuts, nframes, midiEvents, midiEventCount);
#else
        fPlugin.run(audioIns, audioOuts, nframes);
#endif
"
    "        fPlugin.run(audioIns, audioOuts, nframes, midiEvents, midiEventCount);
#else
        fPlugin.run(audioIns, audioOuts, nframes);
#endif
        updateParameterTriggers();
")
  # Parameters without a controller of their own all answered to controller 0, bank select.
  driftwave_patch("JACK: controller 0" "${jack}"
    "                        if (fPlugin.getParameterMidiCC(j) != control)"
    "                        if (control == 0 || fPlugin.getParameterMidiCC(j) != control)")

  # --- LV2 -----------------------------------------------------------------------------------
  # Properties of one maker's devices, which no installed vocabulary defines.
  driftwave_patch("LV2: undefined properties" "${dpf_dir}/distrho/src/DistrhoPluginLV2export.cpp"
    "#ifdef DISTRHO_PLUGIN_BRAND
        // MOD"
    "#if 0
        // MOD")
  # Some hosts never let a trigger's port fall back, and save it with the project: what the ports
  # hold when an instance first runs is not a push, or opening a project would generate over it.
  driftwave_patch("LV2: triggers saved by the host" "${lv2}"
    "                fLastControlValues[i] = curValue;

                fPlugin.setParameterValue(i, curValue);
            }
        }
"
    "                fLastControlValues[i] = curValue;
                if (!fHasRun && fPlugin.isParameterTrigger(i)) continue;

                fPlugin.setParameterValue(i, curValue);
            }
        }
        fHasRun = true;
")
  driftwave_patch("LV2: triggers saved by the host (member)" "${lv2}"
    "    // Temporary data
    float* fLastControlValues;
"
    "    // Temporary data
    bool fHasRun = false;
    float* fLastControlValues;
")
  # Between two words of the host the place in the bar was taken modulo the bar before the bars were
  # counted from it, which moved the song by a whole bar around each bar line; and a place of 32 bits
  # drifts when it is added to with every block.
  driftwave_patch("LV2: bars counted from the place in the bar" "${lv2}"
    "                        fLastPositionData.barBeat = std::fmod(fLastPositionData.barBeat+addedBarBeats,
                                                              (double)fLastPositionData.beatsPerBar);
"
    "                        const double barBeats = fLastPositionData.barBeat + addedBarBeats;
                        fLastPositionData.barBeat = std::fmod(barBeats, (double)fLastPositionData.beatsPerBar);
")
  driftwave_patch("LV2: bars counted from the place in the bar (count)" "${lv2}"
    "std::floor((fLastPositionData.barBeat+addedBarBeats)/
                                                             fLastPositionData.beatsPerBar);"
    "std::floor(barBeats / (double)fLastPositionData.beatsPerBar);")
  driftwave_patch("LV2: place in the bar in 64 bits" "${lv2}"
    "        float    barBeat;
"
    "        double   barBeat;
")
  # What has no value needs no place in the project; an empty path would be taken for a file.
  driftwave_patch("LV2: empty states" "${lv2}"
    "                const String& value(cit->second);

                // some hosts need"
    "                const String& value(cit->second);
                if (value.isEmpty()) break;

                // some hosts need")
  driftwave_patch("LV2: refused state" "${lv2}"
    "            setState(key, value);

           #if DISTRHO_PLUGIN_WANT_STATE"
    "            setState(key, value);
            if (fPlugin.getStateValue(\"refused\").isNotEmpty()) return LV2_STATE_ERR_UNKNOWN;

           #if DISTRHO_PLUGIN_WANT_STATE")
endfunction()

# Copies DPF from `source` to `target` and corrects the copy; does nothing when that is done.
function(driftwave_copy_dpf source target)
  file(SHA256 "${CMAKE_CURRENT_FUNCTION_LIST_FILE}" script_hash)
  file(SHA256 "${source}/distrho/src/DistrhoPluginVST3.cpp" source_hash)
  set(stamp "${source} ${source_hash} ${script_hash}")
  if(EXISTS "${target}/driftwave.stamp")
    file(READ "${target}/driftwave.stamp" done)
    if(done STREQUAL stamp)
      return()
    endif()
  endif()
  file(REMOVE_RECURSE "${target}")
  file(COPY "${source}/" DESTINATION "${target}")
  driftwave_patch_dpf("${target}")
  file(WRITE "${target}/driftwave.stamp" "${stamp}")
endfunction()
