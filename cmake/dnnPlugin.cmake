# How a plugin or reader of libdnn is built: for this tree and, installed, for everyone who says find_package(dnn).

# A plugin that others may write is not loaded; where new files are group-writable (umask 002), take that away. It links to
# nothing of libdnn, so every name must be found when it is linked; the sanitizers leave theirs to be found in the program.
function(dnn_trusted_plugin target)
    add_custom_command(TARGET ${target} POST_BUILD
        COMMAND chmod go-w $<TARGET_FILE_DIR:${target}> $<TARGET_FILE:${target}> VERBATIM)
    get_directory_property(options COMPILE_OPTIONS)
    if(NOT "${CMAKE_C_FLAGS} ${options}" MATCHES "-fsanitize")
        target_link_options(${target} PRIVATE LINKER:-z,defs)
    endif()
endfunction()

# dnn_add_plugin(<id> SOURCES <file>... [READER] [DESTINATION <folder>])
#
# The module target dnn_<id>, which is dnn_<id>.so in the build folder, under readers/ if it is a reader: name the file in
# DNN_PLUGINS, or the folder in DNN_PLUGIN_PATH. With DESTINATION it is installed there; readers/ is added for a reader.
# ${dnn_PLUGIN_DIR} is where the installed libdnn looks. What a vendor's library needs: target_link_libraries(dnn_<id> ...).
function(dnn_add_plugin id)
    cmake_parse_arguments(PARSE_ARGV 1 plugin READER DESTINATION SOURCES)
    string(LENGTH "${id}" length)
    if(NOT "${id}" MATCHES "^[a-z0-9_]+$" OR length GREATER 31)
        message(FATAL_ERROR "dnn_add_plugin: \"${id}\" is no id of a plugin: 1 to 31 of a-z, 0-9 and _")
    endif()
    if(NOT plugin_SOURCES OR plugin_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "dnn_add_plugin(${id}): expected SOURCES and files; not understood: \"${plugin_UNPARSED_ARGUMENTS}\"")
    endif()
    if(plugin_READER)
        set(below /readers)
    endif()
    add_library(dnn_${id} MODULE ${plugin_SOURCES})
    target_link_libraries(dnn_${id} PRIVATE dnn::plugin)
    set_target_properties(dnn_${id} PROPERTIES PREFIX "" OUTPUT_NAME dnn_${id} C_VISIBILITY_PRESET hidden
        CXX_VISIBILITY_PRESET hidden LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}${below})
    dnn_trusted_plugin(dnn_${id})
    if(plugin_DESTINATION)
        install(TARGETS dnn_${id} LIBRARY DESTINATION ${plugin_DESTINATION}${below})
    endif()
endfunction()
