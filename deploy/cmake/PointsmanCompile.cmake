# Flags of our own code. `pointsman_warnings` is linked PRIVATE by every target we write; generated
# code does not link it.
add_library(pointsman_warnings INTERFACE)
target_compile_options(pointsman_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wnull-dereference -Wdouble-promotion -Wformat=2 -Wimplicit-fallthrough -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside inlined standard library and protobuf code, not in ours.
  target_compile_options(pointsman_warnings INTERFACE
    -Wno-null-dereference -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow
    -Wno-array-bounds)
endif()
# Two builds in different folders give the same objects, so ccache serves both.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)

if(POINTSMAN_SANITIZE)
  add_compile_options(-fsanitize=${POINTSMAN_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${POINTSMAN_SANITIZE})
endif()
if(POINTSMAN_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()

# A library of our own: include root, C++20, warnings.
#   pointsman_library(NAME sources... DEPS targets...)
function(pointsman_library name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE $<BUILD_INTERFACE:pointsman_warnings>)
endfunction()
