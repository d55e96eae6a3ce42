// Findings of a check as JavaScript objects: [{code, severity, structure, message}].
#pragma once

#include <napi.h>

#include <vector>

#include "finding.h"

namespace diskferry::addon {

inline Napi::Value findingArray(Napi::Env env, const std::vector<Finding>& findings) {
  constexpr const char* severities[] = {"note", "warning", "damage"};
  Napi::Array array = Napi::Array::New(env, findings.size());
  for (size_t index = 0; index < findings.size(); index++) {
    Napi::Object finding = Napi::Object::New(env);
    finding.Set("code", findings[index].code);
    finding.Set("severity", severities[static_cast<size_t>(findings[index].severity)]);
    finding.Set("structure", findings[index].structure);
    finding.Set("message", findings[index].message);
    array.Set(static_cast<uint32_t>(index), finding);
  }
  return array;
}

}  // namespace diskferry::addon
