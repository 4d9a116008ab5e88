package swap_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"opsdeck/internal/testdb"
)

// TestMain runs the worker of the kill tests if the environment says so.
func TestMain(m *testing.M) {
	text := os.Getenv(jobEnv)
	if text == "" {
		testdb.Main(m)
	}
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	if err := work(j); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
