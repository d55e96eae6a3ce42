target_sources(native-tests PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/image/capture_run_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/image/hostile_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/image/transfer_run_test.cc
)
