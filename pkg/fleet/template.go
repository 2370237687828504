package fleet

// reportHTML is the page of a report, as html/template reads it.
const reportHTML = `<!DOCTYPE html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{.W.Title}} {{.Run}}</title>
<style>
body { font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #1c2430; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .25em .6em; border-bottom: 1px solid #d8dde5; }
th { font-weight: 600; } td.n { text-align: right; font-variant-numeric: tabular-nums; } code { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.open { background: #fdecea; } .bad { color: #a3140c; font-weight: 600; } .good { color: #14672a; font-weight: 600; }
@media print { body { margin: 0; max-width: none; } tr { break-inside: avoid; } }
</style>
</head>
<body>
<h1>{{.W.Title}} <code>{{.Run}}</code></h1>
<table>
<tr><th>{{.W.Environment}}</th><td>{{.Environment}}</td></tr>
<tr><th>{{.W.Store}}</th><td>{{.Store}}</td></tr>
{{- if .Customer}}<tr><th>{{.W.Customer}}</th><td>{{.Customer}}</td></tr>{{end}}
{{- if .Software}}<tr><th>{{.W.Software}}</th><td>{{.Software}}</td></tr>{{end}}
<tr><th>{{.W.Created}}</th><td>{{when .Created}}</td></tr>
<tr><th>{{.W.Closed}}</th><td>{{if .Closed.IsZero}}{{.W.Still}}{{else}}{{when .Closed}}{{end}}</td></tr>
<tr><th>{{.W.At}}</th><td>{{when .At}}</td></tr>
<tr><th>{{.W.Plan}}</th><td><code>{{.PlanSHA256}}</code></td></tr>
<tr><th>{{.W.List}}</th><td><code>{{.ListSHA256}}</code></td></tr>
<tr><th>{{.W.Serials}}</th><td><code>{{.Report.Serials}}</code></td></tr>
</table>
<h2>{{.W.Counts}}</h2>
<table>
{{range .Sums}}<tr><th>{{.Name}}</th><td class="n">{{.Count}}</td></tr>
{{end}}</table>
<p>{{if .Balanced}}<span class="good">{{.W.Balanced}}</span>{{else}}<span class="bad">{{.W.NotBalanced}}</span>{{end}}</p>
<h2>{{.W.Findings}}</h2>
<p>{{.W.OpenFindings}}: {{.Open}}</p>
{{if .Findings}}<table>
{{range .Findings}}<tr{{if .Open}} class="open"{{end}}><td>{{if .Open}}<span class="bad">{{$.W.OpenMark}}</span>{{end}}</td><td><code>{{.Kind}}</code></td><td>{{say .}}</td></tr>
{{end}}</table>{{else}}<p>{{.W.NoFindings}}</p>{{end}}
<h2>{{.W.Stations}}</h2>
<table><tr><th>{{.W.Station}}</th><th>{{.W.Confirmed}}</th><th>{{.W.Others}}</th><th>{{.W.Last}}</th></tr>
{{range .Stations}}<tr><td>{{.Station}}</td><td class="n">{{.Confirmed}}</td><td class="n">{{.Others}}</td><td>{{when .Last}}</td></tr>
{{end}}</table>
{{range .KeySets}}<h2>{{$.W.KeySets}}: <code>{{.KeySet}}</code></h2>
<p><code>{{.BDK}}</code> {{.Scheme}} <code>{{.KSI}}</code>; {{$.W.Confirmed}} {{.Confirmed}}, {{$.W.Burnt}} {{.Burnt}}, {{$.W.Unknown}} {{.Unknown}}</p>
{{if .Leases}}<table><tr><th>{{$.W.Lease}}</th><th>{{$.W.Station}}</th><th>{{$.W.Range}}</th><th>{{$.W.Unused}}</th></tr>
{{range .Leases}}<tr><td><code>{{.ID}}</code></td><td>{{.Station}}</td><td>{{.From}} – {{.To}}</td><td class="n">{{.Unused}}</td></tr>
{{end}}</table>{{end}}
{{end}}<h2>{{.W.Proofs}}</h2>
<table>{{range $proof, $n := .Proofs}}<tr><td><code>{{$proof}}</code></td><td class="n">{{$n}}</td></tr>
{{end}}</table>
<h2>{{.W.Devices}}</h2>
<table><tr><th>{{.W.Serial}}</th><th>{{.W.Told}}</th><th>{{.W.State}}</th><th>{{.W.Station}}</th><th>{{.W.Slot}}</th><th>{{.W.Key}}</th><th>{{.W.KSN}}</th><th>{{.W.Check}}</th><th>{{.W.Proof}}</th><th>{{.W.Reason}}</th><th>{{.W.Time}}</th></tr>
{{range $d := .Devices}}<tr><td>{{.Serial}}</td><td>{{.Told}}</td><td>{{state .State}}</td><td>{{.Station}}</td><td></td><td></td><td></td><td></td><td></td><td>{{.Reason}}</td><td>{{when .Changed}}</td></tr>
{{range .Loads}}<tr><td></td><td></td><td>{{.State}}</td><td>{{.Station}}</td><td>{{.Slot}}</td><td>{{if .KeySet}}{{.KeySet}}{{else}}{{.Key}}{{end}}</td><td><code>{{.KSN}}</code></td><td><code>{{.Check}}</code></td><td>{{.Proof}}</td><td>{{.Reason}}</td><td>{{when .Changed}}</td></tr>
{{end}}{{end}}</table>
<p>{{.W.Foot}}</p>
</body>
</html>
`
