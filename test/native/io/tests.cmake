target_sources(native-tests PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/io/buffer_pool_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/io/io_queue_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/io/read_batch_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/io/tree_scan_test.cc
)
