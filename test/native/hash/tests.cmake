target_sources(native-tests PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/hash/crc32_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/hash/md5_lanes_test.cc
)
