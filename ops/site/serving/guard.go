package serving

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// guardEvery is how often the certificate and the token are looked at for a change.
const guardEvery = time.Second

// shortestToken is the least length of a token: 16 characters of hex are 64 bits.
const shortestToken = 16

// guard is the certificate and the token of serve. Either may be missing.
type guard struct {
	pair  *reread[tls.Certificate]
	token *reread[[sha256.Size]byte]
}

// watcher tells of files that changed.
type watcher struct {
	say     func(lang.Msg)
	explain func(error) *ops.Error
}

// newGuard reads the files, and reads them again when they change, until ctx ends.
func newGuard(ctx context.Context, opt config.Serve, w watcher) (*guard, error) {
	g := &guard{}
	if opt.TLSCert != "" {
		g.pair = &reread[tls.Certificate]{
			files: []string{opt.TLSCert, opt.TLSKey},
			read:  func() (tls.Certificate, error) { return readPair(opt.TLSCert, opt.TLSKey) },
		}
		if err := g.pair.begin(ctx, w); err != nil {
			return nil, err
		}
	}
	if opt.TokenFile != "" {
		g.token = &reread[[sha256.Size]byte]{
			files: []string{opt.TokenFile},
			read:  func() ([sha256.Size]byte, error) { return readToken(opt.TokenFile) },
		}
		if err := g.token.begin(ctx, w); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// readPair reads a certificate and its key. A key that every user can read is
// refused.
func readPair(cert, key string) (tls.Certificate, error) {
	info, err := os.Stat(key)
	if err == nil && info.Mode().Perm()&0o007 != 0 {
		return tls.Certificate{}, ops.E(ops.Config, lang.M("other users can read the key %s", key)).
			WithHint(lang.M("run: chmod o= %s", human.Shell(key)))
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, ops.Wrap(err, ops.Config, lang.M("the certificate %s cannot be used with the "+
			"key %s", cert, key)).
			WithHint(lang.M("both must be PEM and match; check with: openssl x509 -noout -subject -dates -in %s",
				human.Shell(cert)))
	}
	return pair, nil
}

// readToken reads the token and keeps its sum.
func readToken(path string) (sum [sha256.Size]byte, err error) {
	hint := lang.M("make one with: (umask 077; openssl rand -hex 32 > %s)", human.Shell(path))
	text, err := config.ReadSecret(path)
	var insecure *config.InsecureError
	switch {
	case errors.As(err, &insecure):
		return sum, err
	case err != nil:
		return sum, ops.Wrap(err, ops.Config, lang.M("the token file %s cannot be used", path)).WithHint(hint)
	}
	text = strings.TrimSpace(text)
	if len(text) < shortestToken {
		return sum, ops.E(ops.Config,
			lang.M("the token in %s is too short (minimum length %d)", path, shortestToken)).WithHint(hint)
	}
	return sha256.Sum256([]byte(text)), nil
}

// certificate is the one in force, for a handshake.
func (g *guard) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return g.pair.value.Load(), nil
}

// only lets those through who send the token: as a bearer token, or for browsers as
// the password of any user.
func (g *guard) only(h http.Handler) http.Handler {
	if g.token == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.admits(r) {
			w.Header().Add("WWW-Authenticate", `Bearer realm="opsdeck"`)
			w.Header().Add("WWW-Authenticate", `Basic realm="opsdeck", charset="UTF-8"`)
			http.Error(w, "a token is needed: send the header Authorization: Bearer TOKEN", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// admits compares in a time that does not depend on the token.
func (g *guard) admits(r *http.Request) bool {
	scheme, sent, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		_, sent, _ = r.BasicAuth()
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(sent)))
	return subtle.ConstantTimeCompare(sum[:], g.token.value.Load()[:]) == 1
}

// reread is a value of files that is read again when they change. While they cannot
// be read, the value stays.
type reread[T any] struct {
	files []string
	read  func() (T, error)
	value atomic.Pointer[T]
}

// begin reads the value, and reads it again after a change, until ctx ends.
func (r *reread[T]) begin(ctx context.Context, w watcher) error {
	seen := stampOf(r.files)
	first, err := r.read()
	if err != nil {
		return err
	}
	r.value.Store(&first)
	go func() {
		tick := time.NewTicker(guardEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			now := stampOf(r.files)
			if now == seen {
				continue
			}
			seen = now
			r.again(w)
		}
	}()
	return nil
}

// again takes the new value, or says why the old one stays.
func (r *reread[T]) again(w watcher) {
	next, err := r.read()
	if err != nil {
		w.say(lang.M("%s has changed and cannot be used; keeping the previous one: %s", r.files[0],
			w.explain(err).What))
		return
	}
	r.value.Store(&next)
	w.say(lang.M("%s has changed and was read again", r.files[0]))
}

// stampOf changes when one of the files does.
func stampOf(files []string) string {
	var out strings.Builder
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			fmt.Fprintf(&out, "%v;", err)
			continue
		}
		fmt.Fprintf(&out, "%d %d %o", info.Size(), info.ModTime().UnixNano(), info.Mode())
		if at, ok := info.Sys().(*syscall.Stat_t); ok {
			fmt.Fprintf(&out, " %d %d", at.Ino, at.Ctim.Nano())
		}
	}
	return out.String()
}
