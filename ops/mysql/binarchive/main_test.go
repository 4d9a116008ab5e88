package binarchive

import (
	"testing"

	"opsdeck/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }
