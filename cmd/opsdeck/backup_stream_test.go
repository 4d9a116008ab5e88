package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"opsdeck/internal/testdb"
)

// bucket makes a bucket on the real S3 server; copies is the configuration.
func bucket(t *testing.T, name string) (client *minio.Client, copies string) {
	t.Helper()
	s := testdb.S3(t)
	client, err := minio.New(s.Addr, &minio.Options{Creds: credentials.NewStaticV4(s.Access, s.Secret, "")})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.MakeBucket(context.Background(), name, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(secret, fmt.Appendf(nil, "access_key: %s\nsecret_key: %s\n", s.Access, s.Secret),
		0o600); err != nil {
		t.Fatal(err)
	}
	return client, fmt.Sprintf(
		"      copies: [{name: cloud, kind: s3, target: %s/nightly, endpoint: \"%s\", insecure: true, region: "+
			"us-east-1, credentials_file: %s}]",
		name,
		s.Addr,
		secret,
	)
}

// TestABackupIsStreamedToS3 dumps both servers straight into a bucket: the local
// folder is not even made, and what comes back is plain SQL.
func TestABackupIsStreamedToS3(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(
			t,
			db,
			"CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(50))",
			"INSERT INTO customers VALUES (1, '千张'), (2, 'b')",
		)
		client, copies := bucket(t, "stream-"+s.Flavour)
		sh := newNightly(t, s, db, copies)
		for _, engine := range []string{"native", "mysqldump"} {
			var made struct{ Name, Path, SHA256 string }
			sh.run(0, &made, "backup", "create", "--to", "cloud", "--engine", engine, "--json")
			if made.Path != "cloud:"+made.Name {
				t.Errorf("%+v", made)
			}
			o, err := client.GetObject(
				context.Background(),
				"stream-"+s.Flavour,
				"nightly/"+made.Name,
				minio.GetObjectOptions{},
			)
			if err != nil {
				t.Fatal(err)
			}
			z, err := gzip.NewReader(o)
			if err != nil {
				t.Fatal(err)
			}
			if sql, err := io.ReadAll(z); err != nil || !bytes.Contains(sql, []byte("千张")) {
				t.Errorf("%s: %v\n%.300s", engine, err, sql)
			}
		}
		if _, err := os.Stat(sh.dir); err == nil {
			t.Error("the local folder was made")
		}
		s.Exec(t, db, "CREATE VIEW broken AS SELECT name FROM customers", "ALTER TABLE customers DROP COLUMN name")
		sh.run(1, nil, "backup", "create", "--to", "cloud")
		n := 0
		for range client.ListObjects(context.Background(), "stream-"+s.Flavour,
			minio.ListObjectsOptions{Recursive: true}) {
			n++
		}
		if n != 4 {
			t.Errorf("%d objects are there", n)
		}
		if text := sh.run(0, nil, "backup", "create", "--to", "cloud", "--dry-run"); !strings.Contains(
			text,
			"cloud:"+db,
		) {
			t.Error(text)
		}
		sh.run(64, nil, "backup", "create", "--to", "nowhere")
	})
}

// TestANightThatNeedsNoRoomHere streams the scheduled backup to the bucket,
// prunes there by the copy's own rule, and everything that looks at backups
// knows of it, though no local folder was ever made.
func TestANightThatNeedsNoRoomHere(t *testing.T) {
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE customers (id INT PRIMARY KEY)", "INSERT INTO customers VALUES (1), (2)")
	_, copies := bucket(t, "night")
	sh := newNightly(
		t,
		s,
		db,
		strings.TrimSuffix(copies, "}]")+", keep: {daily: 1, manual: 1}}]\n      stream_to: cloud",
	)
	for range 3 {
		sh.run(0, nil, "backup", "create", "--to", "cloud")
	}
	sh.run(0, nil, "backup", "schedule", "run", "daily")
	if _, err := os.Stat(sh.dir); err == nil {
		t.Error("the local folder was made")
	}
	var there, list backupListJSON
	sh.run(0, &there, "backup", "list", "--copy", "cloud", "--json")
	tiers := map[string]int{}
	for _, b := range there.Backups {
		tiers[b.Tier]++
		if b.State != "good" || b.Path != "cloud:"+b.Name {
			t.Errorf("%+v", b)
		}
	}
	if tiers["daily"] != 1 || tiers["manual"] != 1 || there.NewestGood == nil {
		t.Errorf("after the night: %v", tiers)
	}
	sh.run(0, &list, "backup", "list", "--json")
	if len(list.Backups) != 0 || len(list.Copies) != 1 || list.Copies[0].Good != 2 ||
		len(list.Copies[0].OnlyThere) != 2 ||
		list.Copies[0].LookedAt == nil {
		t.Errorf("%+v", list)
	}
	if text := sh.run(0, nil, "backup", "list"); !strings.Contains(text, "copy cloud: 2 backups, 2 verified there") ||
		!strings.Contains(text, "at the copy cloud") ||
		strings.Count(text, "only at the copy") != 2 {
		t.Error(text)
	}
	var status struct {
		Checks []struct{ Name, State, Detail string }
	}
	sh.run(0, &status, "status", "--only", "backup", "--json")
	if c := status.Checks; len(c) != 2 || c[0].State != "ok" || !strings.Contains(c[0].Detail, "cloud:") ||
		c[1].State != "ok" || !strings.Contains(c[1].Detail, "the newest good backup there: ") {
		t.Errorf("%+v", status)
	}
	sh.run(64, nil, "backup", "list", "--copy", "nowhere")
}
