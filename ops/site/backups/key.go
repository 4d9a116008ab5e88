package backups

import (
	"bytes"
	"errors"
	"io"

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
	ids, err := readIdentities(b.Identity)
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
