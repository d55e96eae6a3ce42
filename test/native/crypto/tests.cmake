target_include_directories(native-tests PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_sources(native-tests PRIVATE
  ${CMAKE_CURRENT_SOURCE_DIR}/crypto/aes_ccm_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/crypto/secure_memory_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/crypto/sector_cipher_test.cc
  ${CMAKE_CURRENT_SOURCE_DIR}/crypto/stretch_key_test.cc
)
