package load

import (
	"context"
	"fmt"
	"strings"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// foreignRehearsal runs the definitions of a dump of another tool, in its order.
type foreignRehearsal struct {
	*rehearsal
	st    *stream
	views []string // names of st.views
	later []string // names of st.later
}

func (r *rehearsal) foreign(ctx context.Context, definitions []backup.DumpStatement) error {
	end, err := r.open(ctx, "")
	if err != nil {
		return err
	}
	defer end()
	c, err := r.s.foreignConn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := r.s.use(ctx, c); err != nil {
		return err
	}
	f := &foreignRehearsal{rehearsal: r, st: &stream{s: r.s, guard: r.s.guard(), conn: c}}
	if err := f.st.follow(ctx); err != nil {
		return err
	}
	for _, d := range definitions {
		v, err := f.st.guard.judge(d.SQL, fmt.Sprintf("line %d", d.Line))
		if err != nil {
			return withoutIt(err)
		}
		if !r.s.picked(v) {
			v.action = skip
		}
		if err := f.take(ctx, v); err != nil {
			return err
		}
	}
	return f.makeKept(ctx)
}

// take runs one definition, as a load does.
func (f *foreignRehearsal) take(ctx context.Context, v verdict) error {
	p := v.parsed
	name := p.Own().Name
	switch {
	case v.action == skip:
		return f.options(ctx)
	case v.action == settle:
		return f.st.settle(ctx, v)
	case v.action == later:
		k, err := f.st.keep(ctx, v)
		f.st.later, f.later = append(f.st.later, k), append(f.later, name)
		return err
	case p.Verb == "CREATE" && p.Kind == "VIEW":
		return f.view(ctx, v)
	case p.Verb == "CREATE" && p.Kind == "TABLE" && f.elsewhere(p):
		return nil
	case p.Verb == "CREATE" || p.Verb == "ALTER":
		_, err := f.try(ctx, f.st.conn, strings.ToLower(p.Kind), name, v)
		return err
	case p.Verb == "DROP" || p.Verb == "SELECT" || p.Verb == "DO":
		f.try(ctx, f.st.conn, "statement", name, v) // what it needs was refused before
	}
	return nil
}

// options gives the schema the charset that the dump's CREATE DATABASE names.
func (f *foreignRehearsal) options(ctx context.Context) error {
	options := f.st.guard.options
	if options == "" {
		return nil
	}
	f.st.guard.options = ""
	return noSchema(define(ctx, f.st.conn, "ALTER DATABASE "+schema.Ident(f.s.o.Schema)+" "+options))
}

// view creates a view, or keeps it until the others are there.
func (f *foreignRehearsal) view(ctx context.Context, v verdict) error {
	_, err := f.st.conn.ExecContext(ctx, string(v.sql))
	name := v.parsed.Own().Name
	switch {
	case err == nil:
		return nil
	case tooEarly(err):
		k, err := f.st.keep(ctx, v)
		f.st.views, f.views = append(f.st.views, k), append(f.views, name)
		return err
	}
	_, err = f.try(ctx, f.st.conn, "view", name, v)
	return err
}

// makeKept creates the kept views in rounds, then the triggers.
func (f *foreignRehearsal) makeKept(ctx context.Context) error {
	for n := -1; n != len(f.views); {
		n = len(f.views)
		views, names := f.st.views, f.views
		f.st.views, f.views = nil, nil
		for i, k := range views {
			if f.st.make(ctx, k) != nil {
				f.st.views, f.views = append(f.st.views, k), append(f.views, names[i])
			}
		}
	}
	for i, k := range f.st.views {
		if err := f.last(ctx, "view", f.views[i], k); err != nil {
			return err
		}
	}
	for i, k := range f.st.later {
		if err := f.last(ctx, "trigger", f.later[i], k); err != nil {
			return err
		}
	}
	return nil
}

// last creates a kept object for the last time.
func (f *foreignRehearsal) last(ctx context.Context, kind, name string, k kept) error {
	err := f.st.make(ctx, k)
	switch {
	case err == nil || f.follows(err):
		return nil
	case ctx.Err() != nil || mysql.Number(err) == 0:
		return err
	}
	f.refuse(kind, name, serverReason(err))
	return nil
}
