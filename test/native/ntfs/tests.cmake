target_sources(native-tests PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/sample_volume.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/check_damage_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/check_hostile_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/check_sweep_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/check_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/checked_volume.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/foreign_parts_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/layout_names_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/layout_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/parts_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/reader_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/ntfs/skeleton_test.cc
)
