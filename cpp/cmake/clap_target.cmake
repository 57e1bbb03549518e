# Adds the target `<name>-clap`, which DPF 1.6 has no CMake function for (newer versions do).

function(driftwave_add_clap name)
  add_library("${name}-clap" MODULE)
  dpf__set_target_defaults("${name}-clap")
  dpf__add_plugin_main("${name}-clap" "clap")
  dpf__add_ui_main("${name}-clap" "clap" "dgl-opengl")
  dpf__set_module_export_list("${name}-clap" "clap")
  target_link_libraries("${name}-clap" PRIVATE "${name}-dsp" "${name}-ui")
  set_target_properties("${name}-clap" PROPERTIES
    OUTPUT_NAME "${name}"
    PREFIX ""
    SUFFIX ".clap")
endfunction()
