package rewind

import (
	"context"
	"slices"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/history"
)

// ColumnNote tells of a column that is not as a transaction found it.
type ColumnNote struct {
	Table string `json:"table"`
	history.Note
}

// readPasts follows the tables of the plan through the log.
func readPasts(ctx context.Context, p *Plan, src *changes.Source) (err error) {
	for name, t := range p.tables {
		if t.past, err = src.Past(ctx, p.Database, name, t.Table); err != nil {
			return err
		}
	}
	return nil
}

// noteColumns takes the notes of a table over, each once.
func noteColumns(p *Plan, table string, notes []history.Note) {
	for _, n := range notes {
		note := ColumnNote{Table: table, Note: n}
		if !slices.Contains(p.Columns, note) {
			p.Columns = append(p.Columns, note)
		}
	}
}

// Shape is the columns of a plan's tables, in order, for Back.
type Shape map[string][]ShapeColumn

// ShapeColumn is a column of a Shape.
type ShapeColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Shape is what the images of the plan's inverse mean.
func (p *Plan) Shape() Shape {
	all := Shape{}
	for name, t := range p.tables {
		for _, c := range t.Columns {
			all[name] = append(all[name], ShapeColumn{Name: c.Name, Type: c.Type})
		}
	}
	return all
}

// reshape finds the places in today's tables of the columns of a shape, by table.
func reshape(p *Plan, shape Shape) (to map[string][]int, err error) {
	to = map[string][]int{}
	for name, columns := range shape {
		t := p.tables[name]
		if t == nil {
			continue
		}
		for _, c := range columns {
			at := t.places([]string{c.Name})[0]
			note := history.Note{Column: c.Name, Was: c.Type}
			switch {
			case at < 0:
				note.Fate = history.Dropped
				return nil, &history.ColumnError{Table: name, Note: note, Why: history.WasDropped}
			case t.Columns[at].Type != c.Type:
				note.Fate = history.Redefined
				note.Now = t.Columns[at].Type
				return nil, &history.ColumnError{Table: name, Note: note, Why: history.WrongType}
			}
			to[name] = append(to[name], at)
		}
	}
	return to, nil
}

// reshaped is an image of a shape as one of today's table; a column that was not there is
// Absent.
func reshaped(image []binlog.Value, places []int, n int) []binlog.Value {
	if image == nil || places == nil || len(image) != len(places) {
		return image
	}
	out := make([]binlog.Value, n)
	for i := range out {
		out[i].Absent = true
	}
	for i, at := range places {
		out[at] = image[i]
	}
	return out
}
