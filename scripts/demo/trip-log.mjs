// The trip as a short table: step, when, what.

const rows = []
let startedMs = Date.now()

export function beginTrip() {
  startedMs = Date.now()
}

/** What was just done, in a few words. */
export function arrivedAt(step, what) {
  const now = new Date()
  rows.push([step, `${now.toTimeString().slice(0, 8)}  +${((now - startedMs) / 1000).toFixed(1)} s`, what])
}

export function printTrip() {
  const lines = [['STEP', 'WHEN', 'WHAT'], ...rows]
  const width = (column) => Math.max(...lines.map((line) => line[column].length))
  const [stepWidth, whenWidth] = [width(0), width(1)]
  console.log('\nThe trip')
  for (const [step, when, what] of lines) {
    console.log(`  ${step.padEnd(stepWidth)}  ${when.padEnd(whenWidth)}  ${what}`)
  }
}
