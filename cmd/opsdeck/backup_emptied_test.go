package main

import (
	"context"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"opsdeck/internal/testdb"
)

// TestAnEmptiedCopyIsCritical: somebody removed what was in the bucket.
func TestAnEmptiedCopyIsCritical(t *testing.T) {
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(
		t,
		db,
		"CREATE TABLE customers (id INT PRIMARY KEY)",
		"CREATE TABLE orders (id INT PRIMARY KEY)",
		"INSERT INTO customers VALUES (1), (2)",
	)
	client, copies := bucket(t, "emptied")
	sh := newNightly(t, s, db, copies)
	sh.run(0, nil, "backup", "create")
	sh.run(0, nil, "backup", "sync")
	sh.run(0, nil, "status", "--only", "backup")
	for o := range client.ListObjects(context.Background(), "emptied", minio.ListObjectsOptions{Recursive: true}) {
		if err := client.RemoveObject(context.Background(), "emptied", o.Key, minio.RemoveObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if text := sh.run(0, nil, "backup", "list", "--copy", "cloud"); strings.Contains(text, "make one") {
		t.Error(text)
	}
	if text := sh.run(1, nil, "backup", "sync", "--dry-run"); !strings.Contains(text, "was emptied") {
		t.Error(text)
	}
	var doc backupSyncJSON
	sh.run(1, &doc, "backup", "sync", "--json")
	if c := doc.Copies[0]; c.Emptied == nil || c.Emptied.Had != 1 || c.Emptied.Left != 0 || len(c.Sent) != 1 {
		t.Errorf("%+v", c)
	}
	if text := sh.run(2, nil, "status", "--only", "backup"); !strings.Contains(text, "was emptied") {
		t.Error(text)
	}
	sh.run(0, nil, "backup", "sync")
	sh.run(0, nil, "status", "--only", "backup")
}
