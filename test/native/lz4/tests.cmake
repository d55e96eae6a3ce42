target_sources(native-tests PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/lz4/frame_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/lz4/xxh32_test.cc
)
