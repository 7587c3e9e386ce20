# next.cmake - makes the ABI headers of a version 1.1 that does not exist: today's, each struct with one more member at its
# end, under the macro that the rule of growth asks for. With them the next libdnn and the next plugins are real.
#
# usage: make_next_abi(FOLDER), make_next_table(FOLDER)
function(append_member text anchor macro out)
    string(FIND "${text}" "${anchor}" at)
    if(at EQUAL -1)
        message(FATAL_ERROR "tests/skew: no \"${anchor}\" in the ABI headers; next.cmake must follow them")
    endif()
    string(REPLACE "${anchor}" "#if ${macro} >= 1\n    uint64_t next; /* 1.1 */\n#endif\n${anchor}" text "${text}")
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

function(make_next_abi folder)
    set(source ${PROJECT_SOURCE_DIR}/core/include)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                 ${source}/dnn_plugin.h ${source}/dnn_ops.h ${source}/dnn_reader.h)

    file(READ ${source}/dnn_plugin.h text)
    foreach(type view call plan kernel device plugin)
        append_member("${text}" "} dnn_${type};" DNN_PLUGIN_TARGET text)
    endforeach()
    # The host's struct has no typedef at its end; its last member is extension.
    string(REGEX REPLACE "(const void \\*\\(\\*extension\\)\\(const char \\*id\\);[^\n]*\n)(};)"
           "\\1#if DNN_PLUGIN_TARGET >= 1\n    uint64_t next; /* 1.1 */\n#endif\n\\2" text "${text}")
    file(CONFIGURE OUTPUT ${folder}/dnn_plugin.h CONTENT "@text@" @ONLY)

    file(READ ${source}/dnn_ops.h text)
    append_member("${text}" "} dnn_attr_alpha;" DNN_PLUGIN_TARGET text)
    string(REPLACE "#include <stdint.h>" "#include <stdint.h>\n#ifndef DNN_PLUGIN_TARGET\n#define DNN_PLUGIN_TARGET 0\n#endif"
           text "${text}")
    # sign has no attributes in v1.0; it gets a struct.
    string(REPLACE "typedef struct dnn_attr_alpha {"
           "#if DNN_PLUGIN_TARGET >= 1\ntypedef struct dnn_attr_sign {\n    uint32_t size, _pad;\n    uint64_t next; /* 1.1 */\n} dnn_attr_sign;\n#endif\ntypedef struct dnn_attr_alpha {"
           text "${text}")
    file(CONFIGURE OUTPUT ${folder}/dnn_ops.h CONTENT "@text@" @ONLY)

    file(READ ${source}/dnn_reader.h text)
    foreach(type host probe source request field info)
        append_member("${text}" "} dnn_reader_${type};" DNN_READER_TARGET text)
    endforeach()
    append_member("${text}" "} dnn_reader;" DNN_READER_TARGET text)
    string(REPLACE "#include <stdint.h>" "#include <stdint.h>\n#ifndef DNN_READER_TARGET\n#define DNN_READER_TARGET 0\n#endif"
           text "${text}")
    file(CONFIGURE OUTPUT ${folder}/dnn_reader.h CONTENT "@text@" @ONLY)
endfunction()

# The operator table of that version: sign, which has no attributes in v1.0, has them, and there are rows of several results
# (next_rows.c). All of core/op is copied, so that each file sees this table.
function(make_next_table folder)
    set(source ${PROJECT_SOURCE_DIR}/core/op)
    file(GLOB files CONFIGURE_DEPENDS ${source}/*)
    file(GLOB families CONFIGURE_DEPENDS ${source}/families/*.def)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files} ${families})
    file(COPY ${files} DESTINATION ${folder} PATTERN families EXCLUDE)
    file(COPY ${families} DESTINATION ${folder}/families)
    file(READ ${source}/families/unary.def text)
    string(REGEX REPLACE "UNARY_NUMBER_STEP\\(sign, [^\n]*\n" "" rest "${text}")
    if(text STREQUAL rest)
        message(FATAL_ERROR "tests/skew: no row of sign in families/unary.def; next.cmake must follow it")
    endif()
    file(CONFIGURE OUTPUT ${folder}/families/unary.def CONTENT "@rest@" @ONLY)
    replace_once("${source}/table.c" "V1_0_none = 0," "V1_0_none = 0,\n    V1_0_sign = 0," ${folder}/table.c)
    file(READ ${source}/families/optim.def text)
    string(APPEND text "DNN_OP(sign, same_shape, zero_backward, none, TAKES_ATTR(1, 1, sign), .names = \"x\", DTYPES(PROMOTE, NUMBERS),
       .traits = KEEPS_ZEROS, .doc = \"\")
DNN_OP(eight, eight_shape, eight_backward, eight_bwd, TAKES(1, 8), .names = \"x\",
       .results = \"x1 x2 x3 x4 x5 x6 x7 squared\", .keep = IN(0), DTYPES(EQUAL, FLOATS), .traits = KEEPS_ZEROS, DECOMPOSED(eight), .doc = \"\")
DNN_OP(eight_bwd, same_shape, no_gradient, none, TAKES(9, 1), .names = \"x dx1 dx2 dx3 dx4 dx5 dx6 dx7 dsquared\",
       .optional = 0x1fe, DTYPES(EQUAL, FLOATS), .doc = \"\")
DNN_OP(three, three_shape, no_gradient, none, TAKES(1, 3), .names = \"x\", .results = \"y positive twice\",
       DTYPES(EQUAL, FLOATS), .doc = \"\")
")
    file(CONFIGURE OUTPUT ${folder}/families/optim.def CONTENT "@text@" @ONLY)
endfunction()
function(replace_once path anchor new output)
    file(READ ${path} text)
    string(FIND "${text}" "${anchor}" at)
    if(at EQUAL -1)
        message(FATAL_ERROR "tests/skew: no \"${anchor}\" in ${path}; next.cmake must follow it")
    endif()
    string(REPLACE "${anchor}" "${new}" text "${text}")
    file(CONFIGURE OUTPUT ${output} CONTENT "@text@" @ONLY)
endfunction()
