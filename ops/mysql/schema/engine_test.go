package schema

import "testing"

func TestWhichTablesKeepTheirRows(t *testing.T) {
	for engine, want := range map[string]struct{ own, outside bool }{
		"InnoDB":     {own: true},
		"MyISAM":     {own: true},
		"Aria":       {own: true},
		"ARCHIVE":    {own: true},
		"CSV":        {own: true},
		"MEMORY":     {own: true},
		"ndbcluster": {own: true},
		"RocksDB":    {own: true},
		"MRG_MyISAM": {},
		"merge":      {},
		"BLACKHOLE":  {},
		"FEDERATED":  {outside: true},
		"CONNECT":    {outside: true},
		"SPIDER":     {outside: true},
		"S3":         {outside: true},
		"OQGRAPH":    {outside: true},
		"SPHINX":     {outside: true},
	} {
		table := Table{Engine: engine}
		if table.OwnRows() != want.own || RowsOutside(engine) != want.outside {
			t.Errorf("%s: own rows %v, outside %v", engine, table.OwnRows(), RowsOutside(engine))
		}
	}
	if (&Table{Engine: "InnoDB", Sequence: true}).OwnRows() {
		t.Error("a sequence has rows")
	}
}
