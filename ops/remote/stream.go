package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// Maker writes a backup of a name to w and returns its manifest.
type Maker func(ctx context.Context, name string, w io.Writer) (*backup.Manifest, error)

// Stream makes a backup at the copy with no file on this machine. name gives its
// name by serial; the first that is free there is taken. The backup counts, and
// gets its manifest, when it was read back and is what was written; what fails
// or is stopped before leaves nothing there.
func (c *Copier) Stream(ctx context.Context, name func(serial int) string, dump Maker) (*backup.Manifest, error) {
	there, err := c.listing(ctx)
	if err != nil {
		return nil, err
	}
	free := freeName(there, name)
	m, err := c.stream(ctx, free, dump)
	var taken *takenError
	if errors.As(err, &taken) {
		return nil, collided()
	}
	if err != nil {
		return nil, err
	}
	if err := c.finish(ctx, free, m); err != nil {
		if other := (*otherError)(nil); errors.As(err, &other) {
			return nil, err // what is there is not this machine's to remove
		}
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		for _, n := range []string{free + backup.ManifestSuffix, free} {
			if e := c.Store.Remove(late, n); e != nil {
				err = errors.Join(err, fmt.Errorf("remove %s at %s: %w", n, c.Name, e))
			}
		}
		return nil, err
	}
	return m, nil
}

// collided is the error of a stream whose name another machine took meanwhile.
func collided() error {
	return &otherError{ops.E(ops.Busy,
		lang.M("another machine's backup of that name is at the copy; it was not overwritten")).
		WithHint(lang.M("run it again: the backup then gets another name"))}
}

// mixed is the error of a stream that is not at the copy as it was sent: another
// machine's backup is there, which a storage without conditional writes let replace it,
// or it was damaged on the way.
func (c *Copier) mixed(ctx context.Context, name, hash string) error {
	there, err := c.listing(ctx)
	if err != nil {
		return errors.Join(differs(name, c.Name), err)
	}
	f, err := c.look(ctx, name, there[name], there[name+backup.ManifestSuffix])
	if err == nil && f.Summary != nil && f.Summary.SHA256 == hash {
		return collided()
	}
	return differs(name, c.Name)
}

func freeName(there map[string]int64, name func(int) string) string {
	for serial := 1; ; serial++ {
		n := name(serial)
		_, file := there[n]
		_, manifest := there[n+backup.ManifestSuffix]
		if !file && !manifest {
			return n
		}
	}
}

// errGone is what the dump gets to see when the copy takes no more.
var errGone = errors.New("the copy takes no more")

// stream runs the dump and the sending side by side.
func (c *Copier) stream(ctx context.Context, name string, dump Maker) (*backup.Manifest, error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var m *backup.Manifest
	var made error
	out, in := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		m, made = dump(inner, name, in)
		in.CloseWithError(made) // nil is the end
	}()
	_, _, sent := c.Store.PutStream(inner, name, out)
	out.CloseWithError(errGone)
	if sent != nil {
		cancel()
	}
	<-done
	switch {
	case ctx.Err() != nil && (made != nil || sent != nil):
		return nil, ctx.Err()
	case made != nil && (sent == nil || !errors.Is(made, errGone) && !errors.Is(made, context.Canceled)):
		return nil, made
	case sent != nil:
		return nil, sent
	}
	return m, nil
}

func differs(name, copy string) error {
	return ops.E(ops.Failed, lang.M("%s arrived at the copy %s with a different hash", name, copy)).
		WithHint(lang.M("run the copy again; if it happens again, check the network and the copy's disk"))
}

// finish reads back what was sent, then puts the manifest beside it.
func (c *Copier) finish(ctx context.Context, name string, m *backup.Manifest) error {
	hash, err := c.Store.Hash(ctx, name)
	if err != nil {
		return err
	}
	if hash != m.SHA256 {
		return c.mixed(ctx, name, hash)
	}
	text, err := backup.EncodeManifest(m)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if _, _, err := c.Store.PutStream(ctx, name+backup.ManifestSuffix, bytes.NewReader(text)); err != nil {
		return err
	}
	return c.remember(&backup.Set{Name: name, Size: m.SizeBytes}, hash, hash, true)
}
