target_sources(native-tests PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/bitlocker/check_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/bitlocker/create_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/bitlocker/metadata_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/bitlocker/recovery_password_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/bitlocker/startup_key_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/bitlocker/volume_test.cc
)
