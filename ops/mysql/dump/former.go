package dump

import (
	"context"
	"maps"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// Former is what a database contained, besides its rows, before its tables were renamed
// into another database. A dump of that database with a Former is a dump of the original:
// the tables under their original name, and the objects that a RENAME does not move.
type Former struct {
	Database string         `json:"database"`
	Create   string         `json:"create"` // SHOW CREATE DATABASE
	Objects  []FormerObject `json:"objects"`
	Warnings []string       `json:"warnings,omitempty"`
	// Unable is what a load cannot create, as kind and quoted name, and why.
	Unable map[string]string `json:"not_loadable,omitempty"`
	At     time.Time         `json:"at"` // when it was read; the tables are renamed later
}

// FormerObject is an object with its statement in the bytes that a file stores.
type FormerObject struct {
	schema.Object
	Client  string `json:"client"`
	Carried string `json:"carried"`
}

// Look reads what a database contains besides its rows. Of the options it uses only
// Databases (one), Tables, Broken and LockWait.
func Look(ctx context.Context, target mysql.Target, opts Options) (*Former, error) {
	d := &dumper{opts: opts, target: target, now: opts.Now, unable: map[string]string{}}
	d.defaults()
	f, err := d.look(ctx)
	if err != nil {
		return nil, d.explain(err)
	}
	return f, nil
}

func (d *dumper) look(ctx context.Context) (*Former, error) {
	db, c, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	defer c.Close()
	f := &Former{At: d.now()}
	inv, err := d.takeInventory(ctx, c)
	if err != nil {
		return nil, err
	}
	found := inv.databases[0]
	f.Database = found.name
	f.Create = found.create
	f.Warnings = inv.warnings
	f.Unable = d.unable
	for _, o := range found.objects {
		f.Objects = append(f.Objects, FormerObject{o.Object, o.client, o.carried})
	}
	return f, nil
}

// asFormer gives a database the original name and objects. It must have no objects of its
// own, because the Former does not know them.
func (d *dumper) asFormer(db *database) error {
	f := d.opts.Former
	if f == nil {
		return nil
	}
	if len(db.objects) > 0 {
		return ops.E(ops.Failed, lang.M("the database %s holds the %s %s, which was not in %s", db.name,
			db.objects[0].Kind, db.objects[0].Name, f.Database))
	}
	db.create = f.Create
	maps.Copy(d.unable, f.Unable)
	for _, o := range f.Objects {
		db.objects = append(db.objects, &object{Object: o.Object, client: o.Client, carried: o.Carried})
	}
	return nil
}

// named is a database's name in the file.
func (d *dumper) named(name string) string {
	if d.opts.Former != nil {
		return d.opts.Former.Database
	}
	return name
}
