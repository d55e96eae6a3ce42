target_sources(native-tests PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/engine/chunk_cursor_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/engine/copy_run_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/engine/verify_run_test.cc
)
