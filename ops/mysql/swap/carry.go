package swap

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// objects handles everything that is not a table: triggers, views, routines, events,
// grants.
type objects struct {
	*link
}

// replaceObjects replaces the database's objects from former with those from next. Views
// in both are replaced and never missing. Unless they come from a backup, those that were
// broken before are left out and told.
func (s *objects) replaceObjects(
	ctx context.Context,
	c *sql.Conn,
	in string,
	coming bool,
	former, next contents,
	grants []string,
	scope func(object) bool,
) ([]restore.Note, error) {
	if _, err := c.ExecContext(ctx, "USE "+restore.Name(in)); err != nil {
		return nil, err
	}
	made := map[string]bool{}
	for _, o := range next.Objects {
		made[o.Kind+" "+o.Name] = true
	}
	for _, o := range former.Objects {
		if scope(o) && (o.Kind != "view" || !made["view "+o.Name]) && o.Kind != "trigger" {
			if err := o.drop(ctx, c, in); err != nil {
				return nil, err
			}
		}
	}
	if err := dropStrayTriggers(ctx, c, in, made, scope); err != nil {
		return nil, err
	}
	count := map[string]int{}
	var waiting []object
	var unmade []restore.Note
	for _, o := range next.Objects {
		if !scope(o) {
			continue
		}
		count[o.Kind]++
		if o.Kind == "view" {
			waiting = append(waiting, o)
			continue
		}
		err := remake(ctx, c, in, o)
		if err != nil && !coming && slices.Contains(refersToNothing, mysql.Number(err)) {
			count[o.Kind]--
			unmade = append(unmade, restore.N(lang.M(
				"the routine %s was broken before and cannot be created again: %s; its text is in exchange.json of "+
					"the run's folder", o.Name, err.Error())))
			continue
		}
		if err != nil {
			return nil, err
		}
	}
	broken, err := makeViews(ctx, c, waiting)
	if err != nil && (coming || !broken.all()) {
		return nil, err
	}
	count["view"] -= len(broken)
	unmade = append(unmade, broken.notes()...)
	notes := append(unmade, regrant(ctx, c, in, grants)...)
	for _, kind := range append([]string{"trigger", "view", "event"}, schema.RoutineKinds...) {
		if count[kind] > 0 {
			notes = append(notes, restore.N(lang.M("%s carried over: %s", objectKinds(kind), fmt.Sprint(count[kind]))))
		}
	}
	return notes, nil
}

// dropStrayTriggers drops triggers on the database's tables that are not in the target
// state: an interrupted try may have put old triggers on the new tables.
func dropStrayTriggers(
	ctx context.Context,
	c *sql.Conn,
	in string,
	coming map[string]bool,
	scope func(object) bool,
) error {
	rows, err := schema.All(
		ctx,
		c,
		"SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?",
		in,
	)
	if err != nil {
		return fmt.Errorf("list the triggers of %s: %w", in, err)
	}
	for _, r := range rows {
		o := object{Kind: "trigger", Name: r[0], Table: r[1]}
		if !scope(o) || coming["trigger "+o.Name] {
			continue
		}
		if err := o.drop(ctx, c, in); err != nil {
			return err
		}
	}
	return nil
}

func objectKinds(kind string) lang.Msg {
	switch kind {
	case "trigger":
		return lang.M("triggers")
	case "view":
		return lang.M("views")
	case "procedure":
		return lang.M("procedures")
	case "function":
		return lang.M("functions")
	case "library":
		return lang.M("libraries")
	case "package":
		return lang.M("packages")
	case "package body":
		return lang.M("package bodies")
	}
	return lang.M("events")
}

func remake(ctx context.Context, c *sql.Conn, in string, o object) error {
	if err := o.drop(ctx, c, in); err != nil {
		return err
	}
	if o.Kind == "event" {
		create, err := scheduled(o)
		if err != nil {
			return fmt.Errorf("make event %s: %w", o.Name, err)
		}
		o.Create = create
	}
	return o.create(ctx, c)
}

// scheduled is an event's definition including its status: ALTER EVENT would make the
// executing user its definer.
func scheduled(o object) (string, error) {
	p, err := sqlscan.Parse([]byte(o.Create), sqlscan.ModeOf(o.SQLMode))
	if err != nil {
		return "", err
	}
	status := p.Disable
	if o.Enabled {
		status = p.Enable
	}
	edit, err := status()
	if err != nil {
		return "", err
	}
	if was := p.SQL[edit.Start:edit.End]; !o.Enabled && strings.HasPrefix(strings.ToUpper(string(was)), "DISABLE") {
		edit.New = string(was) // DISABLE ON SLAVE stays that
	}
	return string(sqlscan.Apply(p.SQL, []sqlscan.Edit{edit})), nil
}

// failedViews are views that could not be created, and why.
type failedViews map[string]error

// all reports whether every view failed because it refers to something missing. In an
// undo, where everything else is as before, such a view was already broken.
func (f failedViews) all() bool {
	for _, err := range f {
		if !slices.Contains(refersToNothing, mysql.Number(err)) {
			return false
		}
	}
	return len(f) > 0
}

// refersToNothing are ER_BAD_DB_ERROR, ER_BAD_FIELD_ERROR, ER_NO_SUCH_TABLE,
// ER_SP_DOES_NOT_EXIST, ER_VIEW_INVALID, ER_NO_SUCH_USER.
var refersToNothing = []uint16{1049, 1054, 1146, 1305, 1356, 1449}

func (f failedViews) notes() (out []restore.Note) {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		out = append(out, restore.N(lang.M(
			"the view %s was broken before and cannot be created again: %s; its text is in exchange.json of the "+
				"run's folder",
			name,
			f[name].Error(),
		)))
	}
	return out
}

// makeViews creates views in rounds, because one may depend on another. Those that cannot
// be created are in failed; err is one of their errors.
func makeViews(ctx context.Context, c *sql.Conn, waiting []object) (failed failedViews, err error) {
	all := waiting
	for len(waiting) > 0 {
		failed = failedViews{}
		var again []object
		for _, o := range waiting {
			o.Create = strings.Replace(o.Create, "CREATE ", "CREATE OR REPLACE ", 1)
			if e := o.create(ctx, c); e != nil {
				err = e
				failed[o.Name] = e
				o.Create = strings.Replace(o.Create, "CREATE OR REPLACE ", "CREATE ", 1)
				again = append(again, o)
			}
		}
		if len(again) == len(waiting) {
			if load.Lendable(err) && lendViews(ctx, c, all) == nil {
				return nil, nil
			}
			return failed, err
		}
		waiting = again
	}
	return nil, nil
}

// lendViews creates views, of which some read others whose definers are absent or may not read:
// first for the connected user, then each for its definer, from the last to the first.
func lendViews(ctx context.Context, c *sql.Conn, views []object) error {
	var lent, made []object
	owned := map[string]object{}
	for _, o := range views {
		o.Create = strings.Replace(o.Create, "CREATE ", "CREATE OR REPLACE ", 1)
		owned[o.Name] = o
		own, err := load.Lent([]byte(o.Create), sqlscan.ModeOf(o.SQLMode))
		if err != nil {
			return err
		}
		o.Create = string(own)
		lent = append(lent, o)
	}
	for len(lent) > 0 {
		var again []object
		var last error
		for _, o := range lent {
			if err := o.create(ctx, c); err != nil {
				again, last = append(again, o), err
				continue
			}
			made = append(made, o)
		}
		if len(again) == len(lent) {
			return last
		}
		lent = again
	}
	for i := len(made) - 1; i >= 0; i-- {
		o := owned[made[i].Name]
		if err := o.create(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// regrant restores the grants that were lost with a dropped routine. The server gives who
// creates a routine its grants on it.
func regrant(ctx context.Context, c *sql.Conn, in string, grants []string) []restore.Note {
	var lost []string
	for _, g := range grants {
		if _, err := c.ExecContext(ctx, g); err != nil {
			lost = append(lost, g)
		}
	}
	var notes []restore.Note
	for _, g := range without(lost, routineGrants(ctx, c, in)) {
		notes = append(notes, restore.N(lang.M("grant lost: %s", g)))
	}
	return notes
}

// without are those of some grants that are not among others.
func without(some, others []string) []string {
	return slices.DeleteFunc(slices.Clone(some), func(g string) bool { return slices.Contains(others, g) })
}

// keepGrants lists the grants on the routines of the live database, as they were before the
// run. It records them in a file, because a resume finds the database changed.
func keepGrants(ctx context.Context, c *sql.Conn, in string, f run.Folder) ([]string, error) {
	path := filepath.Join(f.Path, "routine-grants.json")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return readJSON[[]string](path)
	}
	grants := routineGrants(ctx, c, in)
	text, err := json.Marshal(grants)
	if err != nil {
		return nil, err
	}
	return grants, atomicfile.WriteBytes(path, 0o600, text)
}

// setCharset gives the database another's default charset and collation, if they differ.
func (s *objects) setCharset(ctx context.Context, c *sql.Conn, name string, now, like contents) error {
	if like.Charset == "" || now.Charset == like.Charset && now.Collation == like.Collation {
		return nil
	}
	q := "ALTER DATABASE " + restore.Name(name) + " CHARACTER SET " + like.Charset + " COLLATE " + like.Collation
	return mysql.DefineSoon(ctx, c, q)
}

// putTriggers creates the record's triggers that are missing, each on an existing table.
func (s *objects) putTriggers(ctx context.Context, in string, rec contents) error {
	c, err := s.conn(ctx, "", 15*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	if there, err := exists(ctx, c, in); err != nil || !there {
		return err
	}
	if _, err := c.ExecContext(ctx, "USE "+restore.Name(in)); err != nil {
		return err
	}
	have, err := schema.All(ctx, c, "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?", in)
	if err != nil {
		return err
	}
	names, err := tables(ctx, c, in)
	if err != nil {
		return err
	}
	for _, o := range rec.of("trigger") {
		there := slices.ContainsFunc(have, func(r []string) bool { return r[0] == o.Name })
		if there || !slices.Contains(names, o.Table) {
			continue
		}
		if err := o.create(ctx, c); err != nil {
			return err
		}
	}
	return nil
}
