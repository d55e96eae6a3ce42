target_sources(native-tests PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/image/capture_run_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/image/hostile_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/image/transfer_run_test.cc
)
set_property(SOURCE ${CMAKE_CURRENT_SOURCE_DIR}/image/hostile_test.cc TARGET_DIRECTORY native-tests PROPERTY
  COMPILE_DEFINITIONS DISKFERRY_FUZZ_CORPUS_FOLDER="${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus")
