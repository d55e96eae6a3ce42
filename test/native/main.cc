// The native test program: `native-tests [--test-case=NAME]`, built with the address and undefined-behaviour
// sanitizers.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
