import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recoveryPasswordProblem } from '../../src/formats/recovery-password.js'

// The valid samples are from documentation of WAImportExport and of the Microsoft.ImportExport API; so are the two that are
// only placeholders and break the arithmetic.
const samples: readonly (readonly [string, RegExp | undefined])[] = [
  ['060456-014509-132033-080300-252615-584177-672089-411631', undefined],
  ['238810-662376-448998-450120-652806-203390-606320-483076', undefined],
  ['000000-000000-000000-000000-000000-000000-000000-720885', undefined],
  ['439675-460165-128202-118124-487224-524332-851649-442187', /group 1 .* mistyped/],
  ['060456-014509-132033-080300-252615-584177-672089-411630', /group 8 .* mistyped/],
  ['000000-000000-000000-000000-000000-000000-000000-720896', /group 8 .* mistyped/],
  ['060456-014509-132033-080300-252615-584177-672089', /8 groups .* has 7/],
  ['060456014509132033080300252615584177672089411631', /8 groups .* has 1/],
  ['060456-01450-132033-080300-252615-584177-672089-411631', /group 2 .* not 6 digits/],
  ['060456-01450x-132033-080300-252615-584177-672089-411631', /group 2 .* not 6 digits/],
  ['', /8 groups/],
]
for (const [text, problem] of samples) {
  test(`the recovery password ${JSON.stringify(text)} is ${problem === undefined ? 'well formed' : 'refused'}`, () => {
    const found = recoveryPasswordProblem(text)
    if (problem === undefined) assert.equal(found, undefined)
    else assert.match(found ?? 'well formed', problem)
  })
}
