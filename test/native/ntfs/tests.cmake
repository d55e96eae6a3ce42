target_sources(native-tests PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/sample_volume.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/layout_test.cc
)
