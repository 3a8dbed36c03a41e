// The page's style: one column of readable width, light and dark by the reader's choice, fit for paper.

export const STYLE = `
:root{--paper:#fcfcfb;--ink:#1c2024;--soft:#5d6670;--line:#dfe3e6;--card:#fff;--one:#1f6feb;--two:#c2570c;--three:#2d8a4e;--shared:#fdf3d3;--own:#b4232a;--bar:#8fb8f2;--loss:#f0b48a}
@media (prefers-color-scheme:dark){:root{--paper:#14171a;--ink:#e6e9ec;--soft:#9aa4ad;--line:#2c3238;--card:#1a1e22;--one:#6aa5ff;--two:#f29a55;--three:#5fc583;--shared:#3a3319;--own:#ff8f8f;--bar:#2f5ea3;--loss:#8a4a1d}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:960px;margin:0 auto;padding:40px 24px 80px}
h1{font-size:30px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:20px;margin:52px 0 14px;padding-top:14px;border-top:1px solid var(--line)}
h3{font-size:15px;margin:24px 0 8px}
p{margin:0 0 12px;max-width:70ch}
.lead{max-width:none;font-size:17px}
.soft{color:var(--soft)}
.small{font-size:13.5px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:12px;margin:26px 0 0}
.figure{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px}
.figure b{display:block;font-size:24px;font-weight:600;line-height:1.25;font-variant-numeric:tabular-nums}
.figure span{color:var(--soft);font-size:13.5px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{padding:5px 10px 5px 0;text-align:left;vertical-align:middle;font-weight:400}
td.number{text-align:right;white-space:nowrap;width:1%}
td.share{text-align:right;white-space:nowrap;width:1%;color:var(--soft);font-size:13.5px}
td.name{white-space:nowrap;width:1%}
tr.indent td.name{padding-left:22px;color:var(--soft)}
.bar{height:16px;border-radius:3px;background:var(--bar);min-width:1px}
.bar.loss{background:var(--loss)}
.chart{margin:0 0 26px}
.chart figcaption{display:flex;flex-wrap:wrap;gap:4px 18px;align-items:baseline;margin-bottom:6px}
.chart svg{width:100%;height:auto;display:block;overflow:visible}
.key{font-size:13.5px;color:var(--soft);display:inline-flex;align-items:center;gap:6px}
.key i{width:18px;height:0;border-top:2.5px solid currentColor}
.key.points i{width:8px;height:8px;border:0;border-radius:50%;background:currentColor}
.key.faint i{opacity:.35}
.key.reference i{border-top-style:dashed;border-top-width:1.5px}
.key.series-1 i{color:var(--one)}.key.series-2 i{color:var(--two)}.key.series-3 i{color:var(--three)}
svg .grid{stroke:var(--line);stroke-width:1}
svg .axis{stroke:var(--soft);stroke-width:1}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--soft)}
svg polyline{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}
svg polyline.faint{stroke-width:1;opacity:.35}
svg polyline.points{stroke-width:1.25;opacity:.7}
svg circle{fill:currentColor}
svg circle.hover{fill:transparent}
svg circle.hover:hover{fill:var(--ink)}
svg .reference{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:6 4}
svg .series-1{color:var(--one)}svg .series-2{color:var(--two)}svg .series-3{color:var(--three)}
.sample{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:16px 20px;white-space:pre-wrap;overflow-wrap:anywhere;font:15.5px/1.6 Georgia,"Times New Roman",serif}
.sample .prompt{color:var(--soft)}
.pair{border:1px solid var(--line);border-radius:8px;margin:0 0 18px;background:var(--card);overflow:hidden;break-inside:avoid}
.pair header{display:flex;gap:14px;align-items:baseline;padding:9px 14px;border-bottom:1px solid var(--line)}
.pair header b{font-variant-numeric:tabular-nums}
.sides{display:grid;grid-template-columns:1fr 1fr}
.side{padding:10px 14px;min-width:0}
.side+.side{border-left:1px solid var(--line)}
.side h4{margin:0 0 6px;font-size:13px;font-weight:600;overflow-wrap:anywhere}
.side h4 span{color:var(--soft);font-weight:400;display:block}
.side div{font-size:13.5px;line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere;max-height:340px;overflow:auto}
mark{background:var(--shared);color:inherit}
.own{color:var(--own);text-decoration:underline;text-decoration-thickness:1.5px;text-underline-offset:3px}
.cut{color:var(--soft);font-style:italic}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px;font-size:13px;line-height:1.5;overflow-x:auto;margin:0}
summary{cursor:pointer;color:var(--one)}
@media (max-width:640px){.sides{grid-template-columns:1fr}.side+.side{border-left:0;border-top:1px solid var(--line)}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc}body{font-size:11pt}main{max-width:none;padding:0}h2{break-after:avoid}.chart,.figure,.sample{break-inside:avoid}.side div{max-height:none;overflow:visible}.bar,mark,.key i{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
