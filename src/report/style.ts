// The page's style: one column of readable width, light and dark by the reader's choice, fit for paper. Text meets a contrast
// of 4.5:1 on its ground in both; no meaning is told by colour alone.

export const STYLE = `
:root{--paper:#fcfcfb;--ink:#1c2024;--soft:#59626b;--line:#dfe3e6;--card:#fff;--one:#1f6feb;--two:#b04a06;--three:#2d8a4e;--shared:#fdf0c4;--own:#b4232a;--bar:#8fb8f2;--loss:#f0b48a;--keep:#8ccaa2;--heat:31,111,235;--alarm:#b4232a;--alarm-ground:#fdf0ee;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--paper:#14171a;--ink:#e6e9ec;--soft:#9fa9b2;--line:#2c3238;--card:#1a1e22;--one:#6aa5ff;--two:#f29a55;--three:#5fc583;--shared:#433a1a;--own:#ff9d9d;--bar:#2f5ea3;--loss:#8a4a1d;--keep:#2c6b43;--heat:106,165,255;--alarm:#ff9d9d;--alarm-ground:#2c1b1c}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:960px;margin:0 auto;padding:40px 24px 80px}
h1{font-size:30px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:20px;margin:52px 0 14px;padding-top:14px;border-top:1px solid var(--line)}
h3{font-size:16px;margin:36px 0 8px}
h4{font-size:15px;margin:24px 0 6px}
p{margin:0 0 12px;max-width:70ch}
nav{margin:22px 0 0;display:flex;flex-wrap:wrap;gap:2px 18px;font-size:14.5px}
a{color:var(--one)}
.lead{max-width:none;font-size:17px}
.soft{color:var(--soft)}
.small{font-size:13.5px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(200px,45%),1fr));gap:12px;margin:26px 0 0}
.figure{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px}
.figure b{display:block;font-size:24px;font-weight:600;line-height:1.25;font-variant-numeric:tabular-nums}
.figure span{display:block;color:var(--soft);font-size:13.5px;line-height:1.4}
dl{display:grid;grid-template-columns:max-content 1fr;gap:6px 18px;margin:0 0 22px}
dt{color:var(--soft)}
dd{margin:0;max-width:70ch}
.scroll{position:relative;overflow-x:auto;margin:0 0 18px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
td,th{padding:5px 12px 5px 0;text-align:start;vertical-align:middle;font-weight:400}
thead th{color:var(--soft);font-size:13px;padding-block:2px;vertical-align:bottom;white-space:nowrap}
tbody tr+tr>*{border-top:1px solid var(--line)}
td.number,td.share,th.number,th.share{text-align:end;white-space:nowrap;width:1%}
td.share{color:var(--soft);font-size:13.5px}
th.name,td.name{white-space:nowrap;width:1%;min-width:96px}
th.name .id{display:inline-block;white-space:normal;max-width:260px}
th.name:has(.id){min-width:150px}
td.wide,th.wide{min-width:180px}
td.wide,tbody th.wide{font-size:14px;overflow-wrap:anywhere}
td.bar{min-width:80px}
tr.indent th{padding-inline-start:22px;color:var(--soft)}
.id{unicode-bidi:isolate;overflow-wrap:anywhere}
div.bar{height:14px;border-radius:3px;background:var(--bar);min-width:1px}
div.bar.loss{background:var(--loss)}
div.bar.kept{background:var(--keep)}
code{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.command{display:inline-block;color:var(--soft);overflow-wrap:anywhere;direction:ltr;unicode-bidi:isolate}
.command::before{content:"$ ";user-select:none}
.alarm{border:1px solid var(--alarm);border-inline-start-width:6px;border-radius:8px;background:var(--alarm-ground);padding:14px 18px;margin:0 0 20px}
.alarm strong{color:var(--alarm);font-size:17px}
.alarm strong::before{content:"\\26a0\\fe0e\\00a0"}
.alarm ul{margin:8px 0;padding-inline-start:22px}
.alarm p{margin:0;color:var(--soft);font-size:14px}
.warn{color:var(--alarm)}
.matrix{width:auto}
.matrix td,.matrix th{padding:5px 10px}
.matrix thead th.number{white-space:normal;min-width:64px;max-width:120px;font-size:12.5px;line-height:1.3}
.matrix .none{color:var(--soft)}
.heat-1{background:rgba(var(--heat),.08)}.heat-2{background:rgba(var(--heat),.16)}.heat-3{background:rgba(var(--heat),.26)}.heat-4{background:rgba(var(--heat),.38)}
.chart{margin:0 0 26px;overflow-x:auto}
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
svg .interval{fill:none;stroke:currentColor;stroke-width:1.5}
svg .column{fill:var(--bar)}
svg .series-1{color:var(--one)}svg .series-2{color:var(--two)}svg .series-3{color:var(--three)}
.sample.text{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:16px 20px;white-space:pre-wrap;overflow-wrap:anywhere;font:15.5px/1.6 Georgia,"Times New Roman",serif}
.sample .prompt{color:var(--soft)}
.pair{border:1px solid var(--line);border-radius:8px;margin:0 0 18px;background:var(--card);overflow:hidden;break-inside:avoid}
.pair header{display:flex;flex-wrap:wrap;gap:2px 14px;align-items:baseline;padding:9px 14px;border-bottom:1px solid var(--line)}
.pair header b{font-variant-numeric:tabular-nums}
.pair header .command{margin-inline-start:auto;font-size:12.5px}
.sides{display:grid;grid-template-columns:1fr 1fr}
.side{padding:10px 14px;min-width:0}
.side+.side{border-inline-start:1px solid var(--line)}
.side h5{margin:0 0 6px;font-size:13px;font-weight:600}
.side h5 span{color:var(--soft);font-weight:400;display:block}
.text{font-size:13.5px;line-height:1.55;white-space:pre-wrap;overflow-wrap:anywhere;text-align:start;unicode-bidi:plaintext}
.side .text{max-height:340px;overflow:auto}
mark{background:var(--shared);color:inherit;border-radius:2px}
.own{color:var(--own);text-decoration:underline;text-decoration-thickness:1.5px;text-underline-offset:3px}
.cut{color:var(--soft);font-style:italic;display:block;text-align:start;unicode-bidi:isolate}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px;font-size:13px;line-height:1.5;overflow-x:auto;margin:0}
summary{cursor:pointer;color:var(--one)}
@media (max-width:640px){main{padding:24px 16px 60px}.chart svg{min-width:720px}table{font-size:14px}td,th{padding-inline-end:8px}th.name,td.name{min-width:84px}tbody th.name{white-space:normal}th.name:has(.id){min-width:110px}td.bar{min-width:64px}.sides{grid-template-columns:1fr}.side+.side{border-inline-start:0;border-top:1px solid var(--line)}.pair header .command{margin-inline-start:0}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc}body{font-size:11pt}main{max-width:none;padding:0}h2{break-after:avoid}.chart,.figure,.sample{break-inside:avoid}.side .text{max-height:none;overflow:visible}.scroll,.chart{overflow:visible}.bar,.column,.matrix td,mark,.key i{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
