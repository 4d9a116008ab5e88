package ops

import (
	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"strings"
)

// Line is "rows orders_items  42 %  3,150,000 rows  512 MiB  210 MiB/s  ETA 0:03".
func (r Progress) Line(p *lang.Printer, width int) string {
	parts := []string{strings.TrimSpace(p.Msg(phase(r.Phase)) + " " + termsafe.Line(r.Object))}
	if r.Total > 0 {
		share := human.Percent(min(1, float64(r.Done)/float64(r.Total)))
		if r.Estimate {
			share = "~" + share
		}
		parts = append(parts, share)
	}
	if r.Rows > 0 {
		parts = append(parts, p.T("%s rows", human.Count(r.Rows)))
	}
	switch r.Unit {
	case "bytes":
		parts = append(parts, human.Bytes(r.Done), human.Rate(r.Rate()))
	case "rows":
		parts = append(parts, p.T("%s rows/s", human.Count(int64(r.Rate()))))
		if r.Bytes > 0 && r.Elapsed > 0 {
			parts = append(parts, human.Bytes(r.Bytes), human.Rate(float64(r.Bytes)/r.Elapsed.Seconds()))
		}
	default:
		parts = append(parts, human.Count(r.Done)+" "+r.Unit)
	}
	parts = append(parts, human.Clock(r.Elapsed))
	if left, ok := r.ETA(); ok {
		parts = append(parts, p.T("ETA %s", human.Clock(left)))
	}
	return cells.Cut(strings.Join(parts, "  "), width)
}

// phase is the name of a phase for people; an unknown one is shown as it is.
func phase(name string) lang.Msg {
	switch name {
	case "schema", "ddl":
		return lang.M("definitions")
	case "rows":
		return lang.M("rows")
	case "indexes":
		return lang.M("indexes")
	case "objects":
		return lang.M("views and routines")
	case "verify":
		return lang.M("verify")
	case "copy":
		return lang.M("copy")
	case "compare":
		return lang.M("compare")
	case "export":
		return lang.M("export")
	case "delete":
		return lang.M("delete")
	case "count":
		return lang.M("count")
	case "prove":
		return lang.M("learn the order")
	case "read":
		return lang.M("read")
	case "index":
		return lang.M("index")
	case "search":
		return lang.M("search")
	}
	return lang.Raw(name)
}
