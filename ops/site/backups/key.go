package backups

import (
	"bytes"
	"errors"
	"io"
	"io/fs"

	"filippo.io/age"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// KeyFits checks whether backup.identity decrypts what is encrypted to backup.recipients:
// one byte is encrypted and decrypted. nil if nothing is encrypted, or if no key is
// configured because it is kept elsewhere.
func KeyFits(b config.Backup) error {
	if len(b.Recipients) == 0 || b.Identity == "" {
		return nil
	}
	ids, err := ReadIdentities(b.Identity)
	if err != nil {
		return err
	}
	var recipients []age.Recipient
	for _, k := range b.Recipients {
		r, err := age.ParseX25519Recipient(k)
		if err != nil {
			return ops.Wrap(err, ops.Config, lang.M("backup.recipients: %q is not an age public key", k))
		}
		recipients = append(recipients, r)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipients...)
	if err == nil {
		_, err = w.Write([]byte{1})
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return ops.Wrap(err, ops.Config, lang.M("nothing can be encrypted to backup.recipients"))
	}
	plain, err := age.Decrypt(&sealed, ids...)
	if err == nil {
		_, err = io.ReadAll(plain)
	}
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		return ops.E(ops.Config, lang.M("backup.identity cannot decrypt what is encrypted to backup.recipients: "+
			"backups could not be restored")).
			WithHint(lang.M("compare age-keygen -y %s with backup.recipients", b.Identity))
	}
	if err != nil {
		return ops.Wrap(err, ops.Config, lang.M("backup.identity cannot be tested"))
	}
	return nil
}

// KeyProblem is why the configured key is of no use; empty if it fits, or is another user's,
// which says nothing here.
func KeyProblem(b config.Backup) lang.Msg {
	err := KeyFits(b)
	var known *ops.Error
	switch {
	case err == nil || errors.Is(err, fs.ErrPermission):
		return lang.Msg{}
	case errors.As(err, &known):
		return known.What
	}
	return lang.Raw(err.Error())
}
