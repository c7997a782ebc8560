"""The look of a page: light, dark and on paper, from a telephone to a wide screen."""

STYLE = """\
:root { color-scheme: light dark; --paper: #ffffff; --panel: #f5f6f8; --ink: #1c2127;
  --quiet: #59626d; --rule: #d5dae0; --link: #0b57a4; --mark: #fff4d6; --mark-rule: #b57b00;
  --c1: #0b62b8; --c2: #b3470f; --c3: #1a7f4b; --c4: #7a3fc4; --c5: #8f6400; --c6: #b0246f;
  --shade: #00000040; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171b; --panel: #1d2126; --ink: #e4e7eb; --quiet: #a4adb8; --rule: #3a4149;
    --link: #7db7ff; --mark: #33290f; --mark-rule: #d9a52f;
    --c1: #6fb1ff; --c2: #ff9d5c; --c3: #5fd08f; --c4: #c39bff; --c5: #e5c04f; --c6: #ff86bd;
    --shade: #ffffff40; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem clamp(1rem, 4vw, 2.5rem) 4rem;
  background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 0.25rem; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 3rem 0 0.5rem; padding-top: 0.75rem;
  border-top: 1px solid var(--rule); }
h3 { font-size: 1.05rem; margin: 1.75rem 0 0.35rem; }
p, li { max-width: 44rem; }
p { margin: 0.5rem 0; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 0.5rem; background: var(--paper); padding: 0.4rem 0.8rem;
  z-index: 1; }
.quiet { color: var(--quiet); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.1rem 1.1rem; padding: 0;
  margin: 0.9rem 0 0; font-size: 0.95rem; }
nav a { display: inline-block; padding: 0.2rem 0; }
.lead { font-size: 1.1rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: 0.75rem;
  margin: 1.25rem 0; }
.facts div { background: var(--panel); border-radius: 0.4rem; padding: 0.7rem 0.9rem; }
.facts dt { color: var(--quiet); font-size: 0.9rem; }
.facts dd { margin: 0; font-size: 1.5rem; font-weight: 600; line-height: 1.3; }
.facts dd small { display: block; font-size: 0.85rem; font-weight: 400; color: var(--quiet); }
.warnings { list-style: none; padding: 0; }
.warnings li { background: var(--mark); border-left: 4px solid var(--mark-rule);
  padding: 0.6rem 0.9rem; margin: 0.5rem 0; }
.scroll { overflow-x: auto; margin: 0.75rem 0;
  background: linear-gradient(to right, var(--paper) 40%, transparent) left / 2.5rem 100% local,
    linear-gradient(to left, var(--paper) 40%, transparent) right / 2.5rem 100% local,
    linear-gradient(to right, var(--shade), transparent) left / 0.9rem 100% scroll,
    linear-gradient(to left, var(--shade), transparent) right / 0.9rem 100% scroll;
  background-repeat: no-repeat; }
.hint { display: none; color: var(--ink); }
.hint.always { display: block; }
table { border-collapse: collapse; font-size: 0.94rem; font-variant-numeric: tabular-nums;
  overflow-wrap: normal; }
caption { text-align: left; color: var(--quiet); font-size: 0.9rem; padding-bottom: 0.35rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 1.1rem 0.35rem 0;
  border-bottom: 1px solid var(--rule); }
thead th { color: var(--quiet); font-weight: 600; font-size: 0.88rem; vertical-align: bottom; }
tbody th { font-weight: 500; min-width: 7rem; max-width: 16rem; }
.number { text-align: right; }
td.number { white-space: nowrap; }
thead th.number { max-width: 8rem; }
td.text { min-width: 12rem; max-width: 34rem; overflow-wrap: anywhere; }
.bar { display: inline-block; width: clamp(3rem, 14vw, 8rem); height: 0.7rem;
  background: var(--panel); }
.bar i { display: block; height: 100%; background: var(--c1); print-color-adjust: exact; }
.matrix th, .matrix td { border: 1px solid var(--rule); padding: 0.35rem 0.6rem;
  print-color-adjust: exact; }
.matrix thead th { min-width: 3rem; max-width: 9rem; }
.matrix tbody th { min-width: 5rem; }
.matrix td { background: color-mix(in srgb, var(--c2) calc(var(--share) * 45%), transparent); }
.matrix td.right { background: color-mix(in srgb, var(--c1) calc(var(--share) * 40%), transparent);
  font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19.5rem), 1fr));
  gap: 1rem 2rem; margin: 1rem 0; align-items: start; }
figure { margin: 0; max-width: 34rem; }
figure.wide { max-width: 32rem; margin: 1rem 0; }
svg { display: block; width: 100%; height: auto; overflow: visible; stroke-linejoin: round;
  font-family: inherit; }
figcaption { font-size: 0.95rem; }
figcaption strong { font-weight: 600; }
.keys { list-style: none; display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; padding: 0;
  margin: 0.5rem 0; }
.keys span { margin-right: 0.35rem; }
.k1 { color: var(--c1); } .k2 { color: var(--c2); } .k3 { color: var(--c3); }
.k4 { color: var(--c4); } .k5 { color: var(--c5); } .k6 { color: var(--c6); }
details { margin: 0.75rem 0; }
summary { cursor: pointer; color: var(--link); width: fit-content; max-width: 100%;
  padding: 0.2rem 0; }
.rows { list-style: none; padding: 0; counter-reset: none; }
.rows > li { max-width: none; border-bottom: 1px solid var(--rule); padding: 0.7rem 0; }
.cells { display: flex; flex-wrap: wrap; gap: 0.1rem 1.1rem; margin: 0.2rem 0 0;
  font-size: 0.92rem; }
.cells div { max-width: 100%; }
.cells dt { display: inline; color: var(--quiet); }
.cells dd { display: inline; margin: 0 0 0 0.35rem; }
code, pre { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono",
  monospace; font-size: 0.92em; }
:not(pre) > code { white-space: nowrap; }
pre { background: var(--panel); border-radius: 0.4rem; padding: 0.8rem 1rem; overflow-x: auto;
  max-width: 100%; margin: 0.6rem 0; white-space: pre-wrap; }
.words { columns: 22rem; column-gap: 2.5rem; }
.words dt { font-weight: 600; padding-top: 0.5rem; break-after: avoid; }
.words dd { margin: 0; break-inside: avoid; }
@media screen and (max-width: 34rem) {
  table { font-size: 0.84rem; }
  thead th { font-size: 0.8rem; }
  th, td { padding-right: 0.45rem; }
  th:last-child, td:last-child { padding-right: 0; }
  tbody th { min-width: 4.5rem; }
  td.number { white-space: normal; }
  .hint { display: block; }
  .blocks, .blocks tbody, .blocks tr, .blocks th, .blocks td, .blocks caption { display: block; }
  .blocks { font-size: 0.94rem; }
  .blocks thead { display: none; }
  .blocks tbody tr { border-bottom: 1px solid var(--rule); padding: 0.4rem 0; }
  .blocks tbody th, .blocks td { border: 0; padding: 0.1rem 0; max-width: none; text-align: left; }
  .blocks tbody th { font-weight: 600; }
  .blocks td:empty { display: none; }
  .blocks td[data-heading]::before { content: attr(data-heading) ": "; color: var(--quiet); }
  .blocks code { white-space: normal; }
  .matrix th, .matrix td, .matrix th:last-child, .matrix td:last-child {
    padding: 0.3rem 0.35rem; }
  .upright thead th { writing-mode: vertical-rl; transform: rotate(180deg); min-width: 0;
    max-height: 9rem; text-align: left; vertical-align: middle; }
  .matrix td.number { white-space: nowrap; }
}
@media print {
  :root { color-scheme: light; --paper: #ffffff; --panel: #f3f3f3; --ink: #000000;
    --quiet: #333333; --rule: #b5b5b5; --link: #000000; --mark: #ffffff; --mark-rule: #000000;
    --c1: #0b62b8; --c2: #b3470f; --c3: #1a7f4b; --c4: #7a3fc4; --c5: #8f6400; --c6: #b0246f; }
  @page { margin: 16mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .skip { display: none; }
  figure, tr, .facts, .warnings li, .rows > li, pre { break-inside: avoid; }
  h2, h3, caption, thead, summary, .keys, p:has(+ .charts), p:has(+ figure), p:has(+ .keys) {
    break-after: avoid; }
  .matrix { font-size: 6.5pt; }
  .matrix th:nth-child(n), .matrix td { padding: 0.1rem 0.15rem; min-width: 0; }
  h2 { margin-top: 1.5rem; }
  .charts { grid-template-columns: 1fr 1fr; }
  figure.wide { max-width: 24rem; }
  .scroll { overflow: visible; background: none; }
  .hint.always { display: none; }
  table { max-width: 100%; }
  thead { display: table-header-group; }
  details::details-content { content-visibility: visible; display: block; }
  summary { list-style: none; font-weight: 600; }
  a { text-decoration: none; }
}
"""
