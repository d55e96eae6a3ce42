target_sources(native-tests PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/filesystems/damaged_volumes_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/filesystems/used_ranges_test.cc
)
