package dump

import (
	"context"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql/schema"
)

// rights fails if there may be objects that the user cannot see: the server omits those
// from every list silently.
func (d *dumper) rights(ctx context.Context, q schema.Querier, name string, inv *inventory) error {
	lines, err := schema.Grants(ctx, q)
	if err != nil {
		return err
	}
	rights := doctor.ParseGrants(lines)
	if len(d.opts.Tables) > 0 && d.opts.Where != "" {
		return nil // no objects are dumped
	}
	if d.opts.Former != nil {
		return nil // its objects are known
	}
	need := []string{"TRIGGER"}
	if len(d.opts.Tables) == 0 {
		need = []string{"SELECT", "SHOW VIEW", "TRIGGER", "EVENT"}
	}
	if missing := rights.Missing(need, name); len(missing) > 0 {
		list := strings.Join(missing, ", ")
		return ops.E(ops.Config, lang.M("the user lacks %s on %s: what it cannot see would be missing from the "+
			"backup", list, name)).
			WithHint(lang.M("as an administrator: GRANT %s ON %s.* TO the backup user", list, schema.Ident(name)))
	}
	if len(d.opts.Tables) == 0 && !rights.ListsRoutines(name, d.maria) {
		inv.unseen = append(inv.unseen, name)
		grant := "GRANT SHOW_ROUTINE ON *.*"
		if d.maria {
			grant = "GRANT SELECT ON mysql.proc"
		}
		inv.warnings = append(
			inv.warnings,
			"the user cannot see the routines of others in "+schema.Ident(
				name,
			)+": if there are any they are not in the backup ("+grant+")",
		)
	}
	return nil
}
