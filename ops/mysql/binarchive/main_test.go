package binarchive

import (
	"testing"

	"opsdeck/internal/testdb"
)

func TestMain(m *testing.M) {
	followIfAsked()
	testdb.Main(m)
}
