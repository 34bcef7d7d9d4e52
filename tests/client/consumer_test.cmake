# Installs the client from BUILD below SCRATCH and builds and runs the project SOURCE against it.
set(prefix ${SCRATCH}/prefix)
file(REMOVE_RECURSE ${SCRATCH})
set(flags "")
if(SANITIZE)
  set(flags "-fsanitize=${SANITIZE}")  # the installed archives need the same runtime
endif()

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --component client --prefix ${prefix})
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${SCRATCH}/build -G "${GENERATOR}"
  -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${COMPILER}
  -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -D CMAKE_CXX_FLAGS=${flags})
run(${CMAKE_COMMAND} --build ${SCRATCH}/build)

execute_process(COMMAND ${SCRATCH}/build/consumer OUTPUT_VARIABLE output COMMAND_ECHO STDOUT
  COMMAND_ERROR_IS_FATAL ANY)
if(NOT output STREQUAL "my-safe-model by default ranking\n")
  message(FATAL_ERROR "the consumer printed: ${output}")
endif()
