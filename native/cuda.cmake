# The CUDA backend and the communicators between GPUs, as MILLRACE_CUDA says:
#   ON        by nvcc, with NVIDIA's headers; its libraries are loaded at run time, the CUDA runtime is linked statically
#   EMULATED  by the host's compiler, over test/gpu/emulator: for tests, no GPU and nothing of NVIDIA's needed

# What everything that includes cuda_runtime.h is compiled with.
add_library(millrace_cuda_runtime INTERFACE)
target_compile_definitions(millrace_cuda_runtime INTERFACE MILLRACE_CUDA=1)

set(emulator ${CMAKE_CURRENT_SOURCE_DIR}/../test/gpu/emulator)

if(MILLRACE_CUDA STREQUAL "EMULATED")
  if(MILLRACE_SANITIZE)
    message(FATAL_ERROR "expected MILLRACE_SANITIZE to be empty with MILLRACE_CUDA=EMULATED: sanitizers do not know its fibers")
  endif()
  target_include_directories(millrace_cuda_runtime INTERFACE ${emulator} ${emulator}/..)
  file(GLOB emulator_sources CONFIGURE_DEPENDS ${emulator}/*.cc)
  list(FILTER emulator_sources EXCLUDE REGEX "_test\\.cc$")
  add_library(millrace_emulator STATIC ${emulator_sources})
  target_link_libraries(millrace_emulator PUBLIC millrace_cuda_runtime millrace_options ${CMAKE_DL_LIBS})
  # Whatever kernels do wrong in a way that the compiler can check traps, and the emulator turns traps into reports.
  set(cuda_flags -x c++ -Wno-unknown-pragmas -fsanitize=alignment,bounds,shift,integer-divide-by-zero
                 -fsanitize-undefined-trap-on-error)
elseif(MILLRACE_CUDA STREQUAL "ON")
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    message(FATAL_ERROR "expected nvcc for MILLRACE_CUDA=ON, found none; put it on the PATH or name it by "
                        "-DCMAKE_CUDA_COMPILER, native/cuda-toolchain.sh brings one")
  endif()
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90)  # 90 also as PTX, for newer GPUs
  endif()
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
  enable_language(CUDA)
  # CMake before 3.26 does not know that nvcc speaks C++20: the flag stands among cuda_flags.
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "")
  # Beside the toolkit, and where NVIDIA's wheels have theirs.
  get_filename_component(toolkit ${CMAKE_CUDA_COMPILER} REALPATH)
  get_filename_component(toolkit ${toolkit} DIRECTORY)
  get_filename_component(toolkit ${toolkit} DIRECTORY)
  foreach(header cublasLt.h nccl.h)
    find_path(MILLRACE_${header} ${header} PATHS ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES} ${toolkit}/include
              ${toolkit}/../nccl/include)
    if(NOT MILLRACE_${header})
      message(FATAL_ERROR "expected ${header} for MILLRACE_CUDA=ON, found none; native/cuda-toolchain.sh brings it, or "
                          "set CMAKE_PREFIX_PATH")
    endif()
    target_include_directories(millrace_cuda_runtime SYSTEM INTERFACE ${MILLRACE_${header}})
  endforeach()
  target_include_directories(millrace_cuda_runtime SYSTEM INTERFACE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
  target_link_libraries(millrace_cuda_runtime INTERFACE ${CMAKE_DL_LIBS})
  # cuDNN's flash kernels; the backend has its own attention without them.
  find_path(MILLRACE_CUDNN_INCLUDE cudnn.h PATHS ${toolkit}/include ${toolkit}/../cudnn/include)
  find_path(MILLRACE_CUDNN_FRONTEND_INCLUDE cudnn_frontend.h PATHS ${toolkit}/include ${toolkit}/../../include)
  if(MILLRACE_CUDNN_INCLUDE AND MILLRACE_CUDNN_FRONTEND_INCLUDE)
    message(STATUS "CUDA backend: cuDNN attention, headers at ${MILLRACE_CUDNN_INCLUDE}")
    set(cudnn TRUE)
  endif()
  set(cuda_flags --std=c++20 -lineinfo -Werror=all-warnings -Xptxas=--warn-on-spills -Xcompiler=-Wall,-Wextra,-Werror)
  # nvcc's own intermediate code has constructs that these warn of.
  list(APPEND cuda_flags -Xcompiler=-Wno-unused-parameter)
else()
  message(FATAL_ERROR "expected OFF, ON or EMULATED for MILLRACE_CUDA, got ${MILLRACE_CUDA}")
endif()

# Files of a target with kernels, for the emulator: its headers take the place of cuda/launch.h and cuda/ptx.h. The other
# targets are compiled as in every build, so that a compiler cache knows them.
function(millrace_emulated_sources target)
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "${cuda_flags}")
  target_include_directories(${target} BEFORE PRIVATE ${emulator} ${emulator}/..)
endfunction()

# The .cu files of a folder.
function(millrace_cuda_sources target folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cu)
  if(MILLRACE_CUDA STREQUAL "EMULATED")
    millrace_emulated_sources(${target} ${sources})
  else()
    set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS "${cuda_flags}")
  endif()
  target_sources(${target} PRIVATE ${sources})
endfunction()

file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cuda/*.cc)
if(MILLRACE_CUDA STREQUAL "EMULATED")
  list(FILTER sources EXCLUDE REGEX "/libraries\\.cc$")
endif()
if(NOT cudnn)
  list(FILTER sources EXCLUDE REGEX "/cudnn_[a-z_]*\\.cc$")
endif()
add_library(millrace_cuda STATIC ${sources})
millrace_cuda_sources(millrace_cuda cuda)
target_link_libraries(millrace_cuda PUBLIC millrace_cuda_runtime millrace_options)
if(cudnn)
  target_compile_definitions(millrace_cuda PRIVATE MILLRACE_HAVE_CUDNN=1)
  # A minute of headers at -O3, for code that makes a few calls.
  set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/cuda/cudnn_attention.cc PROPERTIES COMPILE_OPTIONS -O1)
  target_include_directories(millrace_cuda SYSTEM PRIVATE ${MILLRACE_CUDNN_INCLUDE} ${MILLRACE_CUDNN_FRONTEND_INCLUDE})
endif()
if(TARGET millrace_emulator)
  # Whole: emulated libraries register themselves, so nothing refers to their files.
  target_link_libraries(millrace_cuda PUBLIC $<LINK_LIBRARY:WHOLE_ARCHIVE,millrace_emulator>)
endif()
target_link_libraries(millrace_cuda PUBLIC millrace_core)
