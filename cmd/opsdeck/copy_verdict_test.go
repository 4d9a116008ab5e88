package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"opsdeck/internal/testdb"
)

// TestABadCopyStaysBadUntilItIsSentAgain: what verify --copy finds is remembered by every
// place that speaks of that file, and a sync ends it.
func TestABadCopyStaysBadUntilItIsSentAgain(t *testing.T) {
	t.Parallel()
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE customers (id INT PRIMARY KEY)", "INSERT INTO customers VALUES "+numbers(500))
	client, copies := bucket(t, "verdict")
	sh := newNightly(t, s, db, strings.Replace(copies, "name: cloud", "name: off", 1))
	var made backupCreateJSON
	sh.run(0, &made, "backup", "create", "--json")
	sh.run(0, nil, "backup", "sync")
	flip(t, client, "verdict", "nightly/"+made.Name)
	says := func(world, state, status string) {
		t.Helper()
		var there, here backupListJSON
		sh.run(0, &there, "backup", "list", "--copy", "off", "--json")
		sh.run(0, &here, "backup", "list", "--json")
		if got := there.Backups[0].State; got != state {
			t.Errorf("%s: list --copy says %s, not %s", world, got, state)
		}
		if got := string(here.Backups[0].Copies[0].State); got != state {
			t.Errorf("%s: list says of the copy %s, not %s", world, got, state)
		}
		if got := here.Copies[0].Bad; (got > 0) != (state == "bad") {
			t.Errorf("%s: list counts %d bad ones", world, got)
		}
		if got, detail := sh.copyCheck("status"); got != status {
			t.Errorf("%s: status says %s, not %s: %s", world, got, status, detail)
		}
	}
	says("not found yet", "good", "ok")
	for range 2 {
		sh.run(1, nil, "backup", "verify", "--copy", "off")
		says("found", "bad", "critical")
	}
	if text := sh.whatever("backup", "list"); !strings.Contains(text, "bad  "+made.Name) {
		t.Errorf("the list for people does not say it:\n%s", text)
	}
	sh.run(0, nil, "backup", "sync", "--copy", "off")
	says("sent again", "good", "ok")
	sh.run(0, nil, "backup", "verify", "--copy", "off")
}

// flip changes four bytes in the middle of an object; its size stays.
func flip(t *testing.T, client *minio.Client, bucket, name string) {
	t.Helper()
	o, err := client.GetObject(context.Background(), bucket, name, minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range body[len(body)/2:][:4] {
		body[len(body)/2+i] ^= 0x5a
	}
	_, err = client.PutObject(context.Background(), bucket, name, bytes.NewReader(body), int64(len(body)),
		minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// TestASyncSendsWhatTheCopyKeeps: what the copy's own retention would remove is not sent,
// and is said; a prune there and the next sync move nothing.
func TestASyncSendsWhatTheCopyKeeps(t *testing.T) {
	t.Parallel()
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE customers (id INT PRIMARY KEY)")
	_, copies := bucket(t, "keeps")
	copies = strings.Replace(copies, "name: cloud,", "name: off, keep: {daily: 1, manual: 2},", 1)
	sh := newNightly(t, s, db, copies)
	var names []string
	for i := range 4 {
		s.Exec(t, db, fmt.Sprintf("INSERT INTO customers VALUES (%d)", i))
		var made backupCreateJSON
		sh.run(0, &made, "backup", "create", "--json")
		names = append(names, made.Name)
	}
	var dry, first, second, pruned struct {
		backupSyncJSON
		Steps []stepJSON
	}
	text := sh.run(0, nil, "backup", "sync", "--dry-run")
	if !strings.Contains(text, "off: would send 2 backups") || !strings.Contains(text, "off: 2 not sent") {
		t.Errorf("the dry run says %s", text)
	}
	sh.run(0, &dry, "backup", "sync", "--dry-run", "--json")
	sh.run(0, &first, "backup", "sync", "--json")
	if got := first.Copies[0]; len(got.Sent) != 2 || len(dry.Copies[0].Sent) != 2 || len(got.NotKept) != 2 ||
		got.NotKept[0].Reason == "" || slices.Contains(got.Sent, got.NotKept[0].Name) {
		t.Errorf("sent %+v of %v; the dry run said %+v", got, names, dry.Copies[0])
	}
	sh.run(0, &pruned, "backup", "prune", "--copy", "off", "--confirm", db, "--json")
	for _, step := range pruned.Steps {
		if step.Action == "remove" {
			t.Errorf("removed after it was sent: %+v", step)
		}
	}
	sh.run(0, &second, "backup", "sync", "--json")
	if got := second.Copies[0]; len(got.Sent) != 0 || got.Present != len(first.Copies[0].Sent) {
		t.Errorf("the second sync: %+v", got)
	}
	if state, detail := sh.copyCheck("status"); state != "ok" {
		t.Errorf("status says %s: %s", state, detail)
	}
}
