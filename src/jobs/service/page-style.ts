// The look of the state page: one typeface, one accent, colour only where it means something, light and dark.

export const pageStyle = `
:root {
  color-scheme: light dark;
  --paper: #f6f7f8; --card: #ffffff; --ink: #16191d; --soft: #5d6670; --line: #e1e5e9; --track: #e8ebee;
  --accent: #0b6bcb; --good: #1a7f4b; --bad: #b42318; --warn: #c98a12;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #101316; --card: #181c20; --ink: #e8ebee; --soft: #98a2ad; --line: #2a3036; --track: #2a3036;
    --accent: #63abf5; --good: #5cc18d; --bad: #f28b82; --warn: #e2b45c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  -webkit-font-smoothing: antialiased;
}
.frame { max-width: 1080px; margin: 0 auto; padding: 0 24px 64px; }
header { display: flex; align-items: center; gap: 16px; padding: 24px 0 20px; }
header h1 { font-size: 17px; font-weight: 650; margin: 0; letter-spacing: -0.01em; }
header h1 span { color: var(--soft); font-weight: 400; }
header form { margin: 0 0 0 auto; }
.live { display: inline-flex; align-items: center; gap: 7px; color: var(--soft); font-size: 13px; }
.live::before { content: ""; width: 7px; height: 7px; border-radius: 50%; background: var(--soft); }
.live[data-on]::before { background: var(--good); }
button {
  font: inherit; font-size: 14px; color: var(--ink); background: transparent; border: 1px solid var(--line);
  border-radius: 8px; padding: 5px 12px; cursor: pointer;
}
button:hover { border-color: var(--soft); }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--card); font-weight: 600; padding: 9px 16px; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
h2 { font-size: 13px; font-weight: 600; color: var(--soft); margin: 36px 0 12px; }
.figures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1px; background: var(--line); border: 1px solid var(--line); border-radius: 12px; overflow: hidden; margin: 0; }
.figures div { background: var(--card); padding: 14px 18px; }
.figures dt { color: var(--soft); font-size: 13px; }
.figures dd { margin: 2px 0 0; font-size: 24px; font-weight: 600; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.figures div.none dd { color: var(--soft); font-weight: 400; }
.attention { list-style: none; margin: 0; padding: 0; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.attention li { display: grid; grid-template-columns: 10px minmax(120px, 200px) 1fr; gap: 0 14px; align-items: baseline; padding: 11px 22px; }
.attention li + li { border-top: 1px solid var(--line); }
.attention li::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: var(--bad); }
.attention li.warn::before { background: var(--warn); }
.attention b { font-weight: 600; overflow-wrap: anywhere; }
.attention span { min-width: 0; overflow-wrap: anywhere; }
.job { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 20px 22px; margin-bottom: 14px; }
.job > .head { display: flex; align-items: baseline; gap: 12px; flex-wrap: wrap; }
.job h3 { font-size: 17px; font-weight: 650; margin: 0; letter-spacing: -0.01em; overflow-wrap: anywhere; }
.state { font-size: 13px; font-weight: 600; color: var(--accent); }
.state.good { color: var(--good); } .state.bad { color: var(--bad); }
.head .percent { margin-left: auto; font-variant-numeric: tabular-nums; font-weight: 600; }
.steps { display: grid; grid-template-columns: repeat(6, 1fr); gap: 6px; margin: 14px 0 4px; padding: 0; list-style: none; }
.steps li { border-top: 3px solid var(--track); padding-top: 6px; font-size: 12px; color: var(--soft); }
.steps li.done { border-top-color: var(--accent); color: var(--ink); }
.steps li.now { border-top-color: var(--accent); color: var(--accent); font-weight: 600; }
.steps.bad li.now { border-top-color: var(--bad); color: var(--bad); }
.facts { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 14px 0 0; color: var(--soft); font-size: 14px; }
.facts div { display: flex; gap: 7px; min-width: 0; }
.facts dt { white-space: nowrap; }
.facts dd { margin: 0; color: var(--ink); overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { width: 100%; min-width: 560px; table-layout: fixed; border-collapse: collapse; margin-top: 16px; font-size: 14px; }
th:nth-child(1) { width: 24%; } th:nth-child(2) { width: 24%; } th:nth-child(3) { width: 22%; } th:nth-child(4) { width: 13%; }
th { text-align: left; font-weight: 500; color: var(--soft); font-size: 13px; padding: 0 24px 6px 0; white-space: nowrap; }
td { padding: 8px 24px 8px 0; border-top: 1px solid var(--line); vertical-align: middle; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td:last-child, th:last-child { padding-right: 0; }
code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
progress { appearance: none; display: block; width: 100%; min-width: 90px; height: 6px; border: 0; border-radius: 3px; background: var(--track); overflow: hidden; }
progress::-webkit-progress-bar { background: var(--track); border-radius: 3px; }
progress::-webkit-progress-value { background: var(--accent); border-radius: 3px; }
progress::-moz-progress-bar { background: var(--accent); border-radius: 3px; }
.bad { color: var(--bad); } .soft { color: var(--soft); }
td a { margin-right: 12px; }
details { margin-top: 14px; font-size: 14px; }
.ended { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.ended > details { margin: 0; font-size: 15px; }
.ended > details + details { border-top: 1px solid var(--line); }
.ended > details > summary { display: flex; align-items: baseline; gap: 12px; padding: 12px 22px; font-size: 15px; color: var(--ink); list-style: none; }
.ended > details > summary::-webkit-details-marker { display: none; }
.ended > details > summary b { font-weight: 600; overflow-wrap: anywhere; }
.ended > details > summary time { margin-left: auto; color: var(--soft); font-size: 14px; white-space: nowrap; }
.ended .job { border: 0; margin: 0; padding-top: 4px; background: none; }
.ended .job > .head { display: none; }
summary { cursor: pointer; color: var(--soft); font-size: 13px; }
.events { list-style: none; margin: 8px 0 0; padding: 0; }
.events li { display: flex; gap: 16px; padding: 3px 0; }
.events time { color: var(--soft); white-space: nowrap; font-variant-numeric: tabular-nums; }
.empty { background: var(--card); border: 1px dashed var(--line); border-radius: 12px; padding: 40px 24px; text-align: center; color: var(--soft); }
.empty p { margin: 0 0 6px; } .empty b { color: var(--ink); font-weight: 600; }
.login { max-width: 380px; margin: 16vh auto 0; padding: 0 24px; }
.login h1 { font-size: 20px; font-weight: 650; margin: 0 0 6px; letter-spacing: -0.01em; }
.login p { color: var(--soft); margin: 0 0 20px; }
.login label { display: block; font-size: 13px; font-weight: 600; margin-bottom: 6px; }
.login input { width: 100%; font: inherit; padding: 9px 12px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); color: var(--ink); margin-bottom: 14px; }
.login .wrong { color: var(--bad); }
@media (max-width: 640px) {
  .figures { grid-template-columns: repeat(2, 1fr); }
  .frame { padding: 0 16px 48px; }
  .job { padding: 16px; }
  .attention li { grid-template-columns: 10px 1fr; padding: 11px 16px; }
  .attention span { grid-column: 2; }
  .ended > details > summary { padding: 12px 16px; flex-wrap: wrap; }
  .steps li { font-size: 0; padding-top: 0; }
  .steps li.now { font-size: 12px; padding-top: 6px; white-space: nowrap; }
}
`

/** Asks for the page's body again when the service says that something changed; keeps open what is open. */
export const pageScript = `
const live = document.querySelector('.live')
const refresh = async () => {
  const answer = await fetch('/?part=main', { credentials: 'same-origin' }).catch(() => undefined)
  if (answer === undefined) return
  if (!answer.ok || answer.redirected) return location.assign('/login')
  const open = [...document.querySelectorAll('details[open]')].map((element) => element.id)
  document.querySelector('main').innerHTML = await answer.text()
  for (const id of open) document.getElementById(id)?.setAttribute('open', '')
}
const source = new EventSource('/events')
source.onopen = () => { live.dataset.on = ''; live.textContent = 'Live' }
source.onerror = () => { delete live.dataset.on; live.textContent = 'Not connected' }
source.onmessage = refresh
`
